// Lists of records as bytes: order, look-ups, and that bytes once given out stay as they are.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endOf, entriesOf, firstAt, secondAt } from '../../src/state/entry-bytes.js'
import { RecordList } from '../../src/state/record-list.js'

interface Entry {
  readonly first: number
  readonly second: number
  readonly text: string
}

const read = (image: Uint8Array): Entry[] =>
  entriesOf(image).map(({ first, second, image: bytes }) => ({
    first,
    second,
    text: Buffer.from(bytes).toString(),
  }))

const byPlace = (a: Entry, b: Entry): number => a.first - b.first || a.second - b.second

const step = fc.record({
  do: fc.constantFrom('insert', 'insert', 'insert', 'insert', 'remove', 'image', 'reopen'),
  // Mostly forward, sometimes back; equal times are common.
  stepMs: fc.integer({ min: -3, max: 4 }),
  length: fc.integer({ min: 0, max: 90 }),
})

describe('a list of records', () => {
  it('equals a sorted array under random work', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        let list = new RecordList()
        let model: Entry[] = []
        const given: { image: Uint8Array; entries: Entry[] }[] = []
        let first = 1000
        let second = 0
        for (const { do: action, stepMs, length } of steps) {
          first = Math.max(0, first + stepMs)
          if (action === 'insert') {
            const entry = { first, second: ++second, text: 'x'.repeat(length) }
            list.insert(first, second, Buffer.from(entry.text))
            model = [...model, entry].sort(byPlace)
          } else if (action === 'remove') {
            const gone = model[length % Math.max(1, model.length)]
            if (gone === undefined) continue
            list.remove(list.find(gone.first, gone.second))
            model = model.filter((entry) => entry !== gone)
          } else {
            const image = list.image()
            given.push({ image, entries: model })
            if (action === 'reopen') list = new RecordList(image)
          }
          expect(list.isEmpty).toBe(model.length === 0)
          expect(list.find(first, second + 1)).toBe(-1)
          const at = list.startOf(first, -1)
          const expected = model.find((entry) => entry.first >= first)
          if (expected === undefined) expect(at).toBe(list.end)
          else {
            expect([firstAt(list.bytes, at), secondAt(list.bytes, at)]).toEqual([
              expected.first,
              expected.second,
            ])
            expect(endOf(list.bytes, at)).toBeLessThanOrEqual(list.end)
          }
        }
        expect(read(list.image())).toEqual(model)
        for (const { image, entries } of given) expect(read(image)).toEqual(entries)
      }),
    )
  })
})
