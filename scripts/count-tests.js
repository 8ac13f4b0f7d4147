// `node scripts/count-tests.js REPORT.json EXIT_CODE`: prints `PASSED FAILED` of a vitest report. A
// run that failed without a failed test (a file that does not load, an unhandled error) counts as
// one failure.
import { existsSync, readFileSync } from 'node:fs'

const [path = '', code = '1'] = process.argv.slice(2)
if (!existsSync(path)) {
  process.stderr.write(`the run wrote no report to ${path}\n`)
  process.exit(1)
}
const report = JSON.parse(readFileSync(path, 'utf8'))
const files = report.testResults.filter(
  (f) => f.status === 'failed' && f.assertionResults.length === 0,
)
let failed = report.numFailedTests + files.length
if (code !== '0' && failed === 0) failed = 1
if (report.numPassedTests === 0 && failed === 0) failed = 1
process.stdout.write(`${report.numPassedTests} ${failed}\n`)
