// Worked examples as text: `L a=A@5 {h=1}` is a record of topic L with key a, value A, time 5 and a
// header; ∅ is null. What a record causes is written the same way without the topic, `drop` for one
// that is dropped and counted.
import { expect } from 'vitest'
import { nullable, string, StreamsBuilder, type KStream, type KTable } from '../../../src/index.js'
import { TopologyTestDriver } from '../../../src/testing/index.js'

export type Texts = KStream<string | null, string | null>
export type Rows = KTable<string, string>
type Result = KStream<any, any> | KTable<any, any>

/** Streams and tables that a topology is built from, by topic. */
export interface Inputs {
  readonly stream: (topic: string) => Texts
  readonly table: (topic: string, o?: object) => Rows
}

/** An input and what it causes, in order. */
export type Line = readonly [input: string, ...outputs: string[]]

export const pair = (left: string | null, right: string | null): string => `${left}+${right}`

const pattern = /^(\w+) ([^=]*)=(.*)@(\d+)(?: \{h=(\w+)\})?$/u
const orNull = (text: string): string | null => (text === '∅' ? null : text)
const orNothing = (value: unknown): string => (value === null ? '∅' : String(value))

export interface ScenarioOptions {
  readonly caching?: boolean
  readonly optimize?: boolean
  readonly config?: object
  readonly engine?: 'leveldb' | 'memory'
}

/** A topology that is fed records as text. */
export class Scenario implements AsyncDisposable {
  readonly #driver: TopologyTestDriver<any>
  #dropped = 0

  constructor(build: (inputs: Inputs) => Result, o: ScenarioOptions = {}) {
    const { engine = 'leveldb' } = o
    const serdes = { key: string(), value: nullable(string()) }
    const optimization = o.optimize ? 'all' : 'none'
    const builder = new StreamsBuilder({ key: string(), value: string(), engine, optimization })
    const result = build({
      stream: (topic) => builder.stream(topic, serdes) as Texts,
      table: (topic, options = {}) =>
        builder.table(topic, { key: string(), value: string(), ...options }) as Rows,
    })
    const stream = 'toStream' in result ? result.toStream() : result
    stream.to('out', { key: string(), value: string() })
    this.#driver = new TopologyTestDriver(builder.build(), {
      startMs: 0,
      config: { cacheMaxBytes: o.caching ? 10 << 20 : 0, ...o.config },
    })
  }

  /** Feeds one record; what it caused. */
  async feed(input: string): Promise<string[]> {
    const [, topic, key, value, time, header] = pattern.exec(input)!
    const serdes = { key: string(), value: string() }
    const output = this.#driver.createOutputTopic('out', serdes)
    await this.#driver
      .createInputTopic<string | null, string | null>(topic!, serdes as never)
      .pipeInput(orNull(key!), orNull(value!), {
        timestampMs: Number(time),
        headers: header === undefined ? [] : [['h', header]],
      })
    const found = output.readRecordsToList().map((record) => {
      const h = record.headers.get('h')
      const headers = h ? ` {h=${Buffer.from(h).toString()}}` : ''
      return `${orNothing(record.key)}=${orNothing(record.value)}@${record.timestampMs}${headers}`
    })
    const dropped = this.#driver.metrics().get('dropped-records-total') ?? 0
    for (; this.#dropped < dropped; this.#dropped++) found.push('drop')
    return found
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#driver.close()
  }
}

/** Feeds the lines to a new topology and compares. */
export async function follows(
  build: (inputs: Inputs) => Result,
  lines: readonly Line[],
  o: ScenarioOptions = {},
): Promise<void> {
  await using scenario = new Scenario(build, o)
  const found: string[][] = []
  for (const [input] of lines) found.push([input, ...(await scenario.feed(input))])
  expect(found).toEqual(lines)
}
