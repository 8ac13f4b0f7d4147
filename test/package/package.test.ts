// What users get: the packed package is installed into an empty ESM project, which type-checks
// against it with two compilers, `skipLibCheck` off, and runs.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'millrace-package-'))
const file = (...path: string[]) => join(project, ...path)
const run = (command: string, ...args: string[]): string => {
  try {
    return execFileSync(command, args, { cwd: project, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** The files that npm would publish. */
let packed: readonly string[] = []

beforeAll(() => {
  const report = execFileSync(
    'npm',
    ['pack', '--json', '--silent', '--pack-destination', project],
    { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const [tarball] = JSON.parse(report.slice(report.indexOf('['))) as [
    { filename: string; files: { path: string }[] },
  ]
  packed = tarball.files.map((f) => f.path)
  writeFileSync(file('package.json'), JSON.stringify({ private: true, type: 'module' }))
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', '--silent']
  run('npm', ...install, `./${tarball.filename}`, 'typescript@5.9.3', '@types/node@20')
  mkdirSync(file('src'))
  cpSync(join(root, 'test/package/consumer.ts'), file('src/consumer.ts'))
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    module: 'NodeNext',
    target: 'ES2023',
    types: ['node'],
    outDir: 'out',
    rootDir: 'src',
  }
  writeFileSync(file('tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }))
}, 300_000)

afterAll(() => rmSync(project, { recursive: true, force: true }))

describe('the packed package', () => {
  it('holds the code, its types and the documents, and no tests or sources', () => {
    expect(packed).toContain('dist/index.js')
    expect(packed).toContain('dist/index.d.ts')
    expect(packed).toContain('dist/testing/index.js')
    expect(packed).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md']))
    expect(packed.filter((path) => /^(src|test|examples|benchmarks|scripts)\//.test(path))).toEqual(
      [],
    )
  })

  it('passes publint', async () => {
    const { messages } = await publint({ pkgDir: file('node_modules', 'millrace'), pack: false })
    const pkg = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >
    expect(messages.map((m) => formatMessage(m, pkg))).toEqual([])
  })

  it('type-checks under TypeScript 5.9 without skipLibCheck', () => {
    run(process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit')
  })

  it('type-checks under TypeScript 7 without skipLibCheck, and runs', () => {
    run(process.execPath, join(root, 'node_modules/typescript/bin/tsc'))
    expect(JSON.parse(run(process.execPath, 'out/consumer.js'))).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 2],
    ])
  })
})
