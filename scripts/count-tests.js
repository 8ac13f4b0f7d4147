// `node scripts/count-tests.js REPORT.json EXIT_CODE`: prints `PASSED FAILED` of a vitest report. A
// run that failed without a failed test (a file that does not load, an unhandled error) counts as
// one failure, and so does a skipped test: in CI nothing is skipped silently.
import { readFileSync } from 'node:fs'

const [path = '', code = '1'] = process.argv.slice(2)
const report = JSON.parse(readFileSync(path, 'utf8'))
const skipped = report.numPendingTests + (report.numTodoTests ?? 0)
const files = report.testResults.filter(
  (f) => f.status === 'failed' && f.assertionResults.length === 0,
)
let failed = report.numFailedTests + skipped + files.length
if (code !== '0' && failed === 0) failed = 1
if (report.numPassedTests === 0 && failed === 0) failed = 1
if (skipped > 0) process.stderr.write(`${skipped} tests were skipped; in CI that is a failure\n`)
process.stdout.write(`${report.numPassedTests} ${failed}\n`)
