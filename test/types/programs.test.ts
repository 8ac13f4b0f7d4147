// Pipelines as users write them must compile against the package, and their mistakes must not:
// `refused.ts` marks each with what TypeScript must find there.
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))
const tsc = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin/tsc',
)

/** Programs that wait for what is not built yet, one name a line. */
const pending = readFileSync(join(folder, 'pending.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

/** The errors in each program; those of the sources are the type check's own affair. */
async function errorsByProgram(): Promise<Map<string, string[]>> {
  const output = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? String(error),
  )
  const errors = new Map<string, string[]>()
  for (const line of output.split('\n')) {
    const program = /programs\/([\w-]+\.ts)\(/.exec(line)?.[1]
    if (program !== undefined) errors.set(program, [...(errors.get(program) ?? []), line])
  }
  return errors
}

describe('the programs of users', () => {
  it('compile, and what is refused does not', { timeout: 180_000 }, async () => {
    const errors = await errorsByProgram()
    const programs = readdirSync(join(folder, 'programs'))
    expect(programs).toContain('refused.ts')
    const failing = programs.filter((program) => errors.has(program) && !pending.includes(program))
    expect(failing.flatMap((program) => errors.get(program))).toEqual([])
    const passing = pending.filter((program) => !errors.has(program))
    expect(passing, 'listed as pending, but they compile').toEqual([])
  })
})
