// `npm run test:newest-node`: the same suites on the newest Node release, which npm brings into
// `.cache`; package.json stays as it is. Another release: NODE_RELEASE=24.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureInstalled, root } from './prepare.js'

ensureInstalled()
const release = process.env.NODE_RELEASE ?? '26'
const folder = join(root, '.cache', `node-${release}`)
const node = join(
  folder,
  'node_modules',
  'node',
  'bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
)
if (!existsSync(node)) {
  process.stderr.write(`millrace: installing Node ${release} into ${folder} …\n`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const { status } = spawnSync(
    'npm',
    [
      'install',
      '--no-audit',
      '--no-fund',
      '--no-save',
      '--ignore-scripts=false',
      `node@${release}`,
    ],
    { cwd: folder, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' },
  )
  if (status !== 0 || !existsSync(node)) {
    process.stderr.write(`millrace: Node ${release} could not be installed\n`)
    process.exit(1)
  }
}
const started = spawnSync(node, ['--version'], { encoding: 'utf8' })
if (started.status !== 0) {
  const reason = (started.error?.message ?? started.stderr).trim()
  const remedy = reason.includes('libatomic') ? '\nOn Debian: apt-get install libatomic1' : ''
  process.stderr.write(`millrace: Node ${release} does not start here: ${reason}${remedy}\n`)
  process.exit(1)
}
process.stderr.write(`millrace: running the tests on Node ${started.stdout.trim()}\n`)
const script = join(root, 'scripts', 'test.js')
const child = spawn(node, [script, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' })
process.on('SIGINT', () => {})
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1))
