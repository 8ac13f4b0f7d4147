// `npm run vectors -- PATH…`: runs recorded cases from files and folders, prints a line per family
// and the sum, and ends with 1 when one fails. `--case NAME` runs those whose name holds NAME,
// `--verbose` shows the first difference of each failure.
import { parseArgs } from 'node:util'
import { caseFiles, readCases } from './read-cases.js'
import { checkCase } from './run-case.js'

interface Tally {
  passed: number
  failed: number
}

const { values: options, positionals: paths } = parseArgs({
  allowPositionals: true,
  options: {
    case: { type: 'string', multiple: true },
    verbose: { type: 'boolean', short: 'v' },
    list: { type: 'boolean' },
  },
})
if (paths.length === 0) {
  console.error('usage: npm run vectors -- [--case NAME] [--verbose] [--list] PATH…')
  process.exit(2)
}

const wanted = (name: string): boolean =>
  options.case === undefined || options.case.some((part) => name.includes(part))

const families = new Map<string, Tally>()
for (const file of caseFiles(paths))
  for (const vector of readCases(file)) {
    if (!wanted(vector.name)) continue
    const tally = families.get(vector.family) ?? { passed: 0, failed: 0 }
    families.set(vector.family, tally)
    const difference = await checkCase(vector)
    if (difference === undefined) {
      tally.passed += 1
      continue
    }
    tally.failed += 1
    if (options.list) console.log(vector.name)
    if (options.verbose) console.log(`\n${vector.name}: ${difference}\n`)
  }

const total: Tally = { passed: 0, failed: 0 }
for (const [family, { passed, failed }] of [...families].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
  console.log(`${family}: ${passed} passed, ${failed} failed`)
  total.passed += passed
  total.failed += failed
}
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed > 0 ? 1 : 0)
