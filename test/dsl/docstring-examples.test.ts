// Every example of a docstring that says what comes out is type-checked as users write it, and run.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { KStream, KTable, serde, type StreamsBuilder, type Windowed } from '../../src/index.js'
import { TopologyTestDriver } from '../../src/testing/index.js'
import { docExamples, scope } from './docstring-examples.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, '.cache', 'docstrings')
const examples = docExamples('dsl')

type Build = () => { readonly builder: StreamsBuilder<any, any>; readonly result: unknown }
let builds: readonly Build[] = []

beforeAll(async () => {
  const functions = examples.map(
    ({ where, code }) =>
      `// ${where}\n() => {${scope}\nconst result = ${code}\nreturn { builder, result }\n},`,
  )
  const text = [
    "import * as millrace from '../../src/index.js'",
    'const { StreamsBuilder, keyValueStore, hopping, json, long, nullable, required, session, sliding, string, tumbling, unlimited } = millrace',
    'void [keyValueStore, hopping, long, nullable, required, session, sliding, tumbling, unlimited]',
    `export const builds = [\n${functions.join('\n')}\n]\n`,
  ].join('\n')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'examples.ts')
  writeFileSync(file, text)
  const config = { extends: '../../tsconfig.json', include: ['./*.ts'], exclude: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  builds = ((await import(pathToFileURL(file).href)) as { builds: Build[] }).builds
})

/** Keys and values of any type as text. */
const text = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value)
  const { key, startMs, endMs } = value as Windowed<unknown>
  return startMs === undefined ? JSON.stringify(value) : `${text(key)}[${startMs}-${endMs}]`
}
const printed = serde<any>(
  (value) => new TextEncoder().encode(text(value)),
  (bytes) => new TextDecoder().decode(bytes),
)

/** `key=value@time` in parts; ∅ is null. */
function parts(record: string): { key: string | null; value: string | null; timestampMs: number } {
  const [, key = '', value = '', time = '0'] = /^(.*?)=(.*?)(?:@(\d+))?$/.exec(record) ?? []
  const orNull = (part: string): string | null => (part === '∅' ? null : part)
  return { key: orNull(key), value: orNull(value), timestampMs: Number(time) }
}

async function run(index: number): Promise<string[]> {
  const { builder, result } = builds[index]!()
  if (result instanceof KTable) result.toStream().to('out', { key: printed, value: printed })
  if (result instanceof KStream) result.to('out', { key: printed, value: printed })
  await using driver = new TopologyTestDriver(builder.build(), { startMs: 0 })
  for (const { topic, record } of examples[index]!.inputs) {
    const { key, value, timestampMs } = parts(record)
    await driver
      .createInputTopic(topic, { key: printed, value: printed })
      .pipeInput(key, value, { timestampMs })
  }
  return driver
    .createOutputTopic('out', { key: printed, value: printed })
    .readRecordsToList()
    .map(({ key, value, timestampMs }) => {
      const time = timestampMs === 0 ? '' : `@${timestampMs}`
      return `${key ?? '∅'}=${value ?? '∅'}${time}`
    })
}

describe('the examples of docstrings', () => {
  it('type-check', { timeout: 120_000 }, () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    let output = ''
    try {
      execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8', stdio: 'pipe' })
    } catch (error) {
      output = (error as { stdout?: string }).stdout ?? String(error)
    }
    expect(output.split('\n').filter((line) => line.includes('docstrings'))).toEqual([])
  })

  for (const [index, { where, output }] of examples.entries())
    it(`give what they say: ${where}`, async () => {
      expect(await run(index)).toEqual(output)
    })
})
