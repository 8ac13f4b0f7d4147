// `npm test`: all suites, as the first command in a fresh clone too. Arguments go to vitest, so
// `npm test -- --project unit` runs one suite.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ensureInstalled, root } from './prepare.js'

ensureInstalled()
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const args = [vitest, 'run', ...process.argv.slice(2)]
const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
// Ctrl-C reaches vitest by itself; this process waits for it to stop what it started.
process.on('SIGINT', () => {})
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1))
