// `node scripts/count-tests.js REPORT.json EXIT_CODE`: prints `PASSED FAILED` of a vitest report. A
// run that failed without a failed test (a file that does not load, an unhandled error) counts as
// one failure. Skipped tests are named, so that nothing is skipped silently.
import { existsSync, readFileSync } from 'node:fs'

const [path = '', code = '1'] = process.argv.slice(2)
if (!existsSync(path)) {
  process.stderr.write(`the run wrote no report to ${path}\n`)
  process.exit(1)
}
const report = JSON.parse(readFileSync(path, 'utf8'))
const skipped = report.numPendingTests + (report.numTodoTests ?? 0)
const files = report.testResults.filter(
  (f) => f.status === 'failed' && f.assertionResults.length === 0,
)
let failed = report.numFailedTests + files.length
if (code !== '0' && failed === 0) failed = 1
if (report.numPassedTests === 0 && failed === 0) failed = 1
if (skipped > 0) {
  process.stderr.write(`tests that were SKIPPED, ${skipped}:\n`)
  for (const { name, assertionResults } of report.testResults)
    for (const { status, fullName } of assertionResults)
      if (status !== 'passed' && status !== 'failed')
        process.stderr.write(`  ${name}: ${fullName}\n`)
}
process.stdout.write(`${report.numPassedTests} ${failed}\n`)
