// Makes a fresh clone ready with Node alone: installs packages and compiles what is missing or out
// of date, and says so. Plain JavaScript without dependencies, because nothing is installed yet.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const inRoot = (...parts) => join(root, ...parts)
const say = (text) => process.stderr.write(`millrace: ${text}\n`)

/** Ends the process with a message when a step fails. */
function step(what, command, args) {
  say(`${what} …`)
  // npm is a shell script under another name on Windows.
  const shell = process.platform === 'win32' && command === 'npm'
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell })
  if (status === 0) return
  say(`${what} failed${error ? `: ${error.message}` : ''}`)
  process.exit(status ?? 1)
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  say(`Node ${process.versions.node} is too old, version 20.19 or later is needed`)
  process.exit(1)
}

/** Whether every package of the lock file that this machine needs is there in its version. */
function isInstalled() {
  const lock = inRoot('package-lock.json')
  const installed = inRoot('node_modules', '.package-lock.json')
  if (!existsSync(installed)) return false
  const wanted = JSON.parse(readFileSync(lock, 'utf8')).packages
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || (have[path] ? have[path].version === version : optional === true),
  )
}

/** Installs the packages of the lock file when they are missing. */
export function ensureInstalled() {
  checkNode()
  if (isInstalled()) return
  const command = existsSync(inRoot('node_modules')) ? 'install' : 'ci'
  step(`installing packages (npm ${command})`, 'npm', [command, '--no-audit', '--no-fund'])
}

function newestMs(path) {
  if (!existsSync(path)) return 0
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestMs(join(path, name))))
}

function compile(what, project, output, inputs) {
  const stamp = inRoot('.cache', `${project}.stamp`)
  const changedMs = Math.max(
    ...[project, 'tsconfig.json', ...inputs].map((p) => newestMs(inRoot(p))),
  )
  const built = existsSync(inRoot(output)) && existsSync(stamp)
  if (built && statSync(stamp).mtimeMs >= changedMs) return
  // Files of sources that are gone must not stay.
  rmSync(inRoot(output), { recursive: true, force: true })
  const startedMs = Date.now()
  const compiler = inRoot('node_modules', 'typescript', 'bin', 'tsc')
  step(what, process.execPath, [compiler, '-p', project])
  mkdirSync(inRoot('.cache'), { recursive: true })
  writeFileSync(stamp, '')
  // What changed while the compiler ran is compiled next time.
  utimesSync(stamp, startedMs / 1000, startedMs / 1000)
}

/** Compiles `src` to `dist` when something changed. */
export function ensureBuilt() {
  ensureInstalled()
  compile('building the package', 'tsconfig.build.json', 'dist', ['src'])
}

/** Compiles examples, benchmarks and runners to `.cache/build`; they import the built package by its name. */
export function ensureTools() {
  ensureBuilt()
  const inputs = ['src', 'examples', 'benchmarks', 'test/vectors', 'test/integration/worker.ts']
  compile('compiling examples and tools', 'tsconfig.tools.json', '.cache/build', inputs)
}

/** Deletes the built package and builds it. */
export function rebuild() {
  rmSync(inRoot('dist'), { recursive: true, force: true })
  ensureBuilt()
}
