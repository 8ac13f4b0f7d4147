// `node scripts/run.js ENTRY …ARGS`: compiles what is missing and runs a TypeScript program of this
// repository, in this process, so that Ctrl-C reaches it.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureTools, root } from './prepare.js'

const [entry, ...args] = process.argv.slice(2)
if (entry === undefined) throw new Error('usage: node scripts/run.js ENTRY.ts …ARGS')
ensureTools()
const program = join(root, '.cache', 'build', entry.replace(/\.ts$/, '.js'))
process.argv = [process.execPath, program, ...args]
await import(pathToFileURL(program).href)
