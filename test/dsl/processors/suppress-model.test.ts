// Random updates through suppress, with commits, crashes and restores, against a plain list.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Change } from '../../../src/dsl/change.js'
import type { SuppressOptions } from '../../../src/dsl/processors/operator-options.js'
import { suppress } from '../../../src/dsl/processors/suppress.js'
import { json, string } from '../../../src/serde/serdes.js'
import { suppressBufferSpec } from '../../../src/state/specs.js'
import type { SuppressBuffer } from '../../../src/state/suppress-buffer.js'
import { StoreHarness, type Logged } from '../../state/store-harness.js'
import { NodeHarness } from './node-harness.js'

interface Held {
  readonly key: string
  readonly placeMs: number
  value: string | null
  timestampMs: number
}

/** The algorithm of semantics 13.2 without bytes. */
class Model {
  #held: Held[] = []
  streamTimeMs = -1

  constructor(
    readonly waitMs: number,
    readonly maxRecords: number,
  ) {}

  pipe(key: string, value: string | null, timestampMs: number): string[] {
    this.streamTimeMs = Math.max(this.streamTimeMs, timestampMs)
    const held = this.#held.find((one) => one.key === key)
    if (held) Object.assign(held, { value, timestampMs })
    else this.#held.push({ key, placeMs: timestampMs, value, timestampMs })
    this.#held.sort((a, b) => a.placeMs - b.placeMs || (a.key < b.key ? -1 : 1))
    const out: string[] = []
    while (
      this.#held.length > this.maxRecords ||
      this.#held.some(({ placeMs }) => placeMs <= this.streamTimeMs - this.waitMs)
    ) {
      const { key: k, value: v, timestampMs: ms } = this.#held.shift()!
      out.push(`${k}=${v ?? '∅'}@${ms}`)
    }
    return out
  }
}

const update = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  value: fc.constantFrom('x', 'y', null),
  stepMs: fc.constantFrom(0, 1, 3, 8, -2, -6, 40),
})
const step = fc.oneof(
  { weight: 8, arbitrary: update },
  { weight: 1, arbitrary: fc.constantFrom('commit' as const, 'crash' as const) },
)

it('suppress gives what a list gives, through commits and restores', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.constantFrom(0, 5, 20),
      fc.constantFrom(1, 3, Infinity),
      async (steps, waitMs, maxRecords) => {
        const spec = suppressBufferSpec({ name: 's', key: string(), value: json<string>() })
        const options: SuppressOptions = {
          store: 's',
          until: 'timeLimit',
          waitMs,
          maxRecords,
          maxBytes: Infinity,
          whenFull: 'emitEarly',
        }
        const changelog: Logged[] = []
        let store = await StoreHarness.open<SuppressBuffer<string, string>>(spec)
        let node = new NodeHarness(suppress(options), store.store)
        const model = new Model(waitMs, maxRecords)
        let nowMs = 50
        for (const next of steps) {
          if (typeof next === 'object') {
            nowMs = Math.max(0, nowMs + next.stepMs)
            const given = await node.pipe(next.key, new Change(next.value, null), nowMs)
            expect(given).toEqual(model.pipe(next.key, next.value, nowMs))
            continue
          }
          await store.commit()
          changelog.push(...store.changelog.splice(0))
          if (next === 'commit') continue
          store = await StoreHarness.open(spec)
          store.restore(changelog)
          node = new NodeHarness(suppress(options), store.store)
          // Stream time is that of the records that came since the restart.
          model.streamTimeMs = -1
        }
      },
    ),
    { numRuns: 150 },
  )
})
