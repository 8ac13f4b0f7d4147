// Compares what a topology did with what was recorded. Only changelogs are read with any freedom: a
// row that changed several times after one input may be logged once, with its last value.
import type { OutputRecord, StoreContent, VectorCase } from './vector-case.js'

/** What a run gives to compare. */
export interface Observed {
  readonly outputs: ReadonlyMap<string, readonly OutputRecord[]>
  readonly dropped: readonly (readonly [input: number, count: number])[]
  readonly stores: ReadonlyMap<string, StoreContent>
}

const text = ({ after, key, value, ts, headers }: OutputRecord): string =>
  JSON.stringify([after, key, value, ts, ...(headers?.length ? [headers] : [])])

const readable = (bytes: string | null): string =>
  bytes === null ? 'null' : JSON.stringify(Buffer.from(bytes, 'base64').toString('latin1'))

/** A record for people. */
const show = (record: OutputRecord | undefined): string =>
  record === undefined
    ? 'nothing'
    : `after ${record.after}: ${readable(record.key)} = ${readable(record.value)} @ ${record.ts}` +
      (record.headers?.length
        ? ` {${record.headers.map(([name, value]) => `${name}=${readable(value)}`).join(', ')}}`
        : '')

const difference = (
  topic: string,
  at: number,
  expected: OutputRecord | undefined,
  actual: OutputRecord | undefined,
): string => `${topic}[${at}]\n  expected ${show(expected)}\n  actual   ${show(actual)}`

function sameRecords(
  topic: string,
  expected: readonly OutputRecord[],
  actual: readonly OutputRecord[],
): string | undefined {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const [wanted, got] = [expected[i], actual[i]]
    if (wanted === undefined || got === undefined || text(wanted) !== text(got))
      return difference(topic, i, wanted, got)
  }
  return undefined
}

const rowOf = (record: OutputRecord): string => `${record.after} ${record.key}`

/**
 * Ours is the recorded changelog without some records that a later one of the same key, after the
 * same input, replaces. The order of the rest is the recorded one.
 */
function sameChangelog(
  topic: string,
  expected: readonly OutputRecord[],
  actual: readonly OutputRecord[],
): string | undefined {
  // From the end: of equal records of one key the last one is ours, not the first.
  const seen = new Set<string>()
  let at = actual.length - 1
  for (const [i, wanted] of [...expected.entries()].toReversed()) {
    const got = actual[at]
    const isLast = !seen.has(rowOf(wanted))
    seen.add(rowOf(wanted))
    if (got !== undefined && text(wanted) === text(got)) at -= 1
    else if (isLast) return difference(topic, i, wanted, got)
  }
  return at >= 0 ? difference(topic, 0, undefined, actual[at]) : undefined
}

/** The records of one input in an order that does not depend on hashes. */
const sorted = (records: readonly OutputRecord[]): OutputRecord[] =>
  records.toSorted((a, b) => a.after - b.after || (text(a) < text(b) ? -1 : 1))

/** Which changelogs are read how: those of suppress as sets, those of versioned stores to the record. */
function changelogKinds(vector: VectorCase): Map<string, 'set' | 'exact'> {
  const kinds = new Map<string, 'set' | 'exact'>()
  for (const step of vector.steps) {
    if (step.op.startsWith('suppress') && step.named !== undefined)
      kinds.set(`app-${step.named}-store-changelog`, 'set')
    if (step.store === undefined) continue
    if (step.history !== undefined || step.duplicates)
      kinds.set(`app-${step.store}-changelog`, 'exact')
    if (step.before !== undefined)
      for (const name of ['left', 'right', 'this-join-store', 'other-join-store'])
        kinds.set(`app-${step.store}-${name}-changelog`, 'exact')
  }
  for (const topic of Object.keys(vector.outputs))
    if (/^app-KTABLE-SUPPRESS-STATE-STORE-\d+-changelog$/.test(topic)) kinds.set(topic, 'set')
  return kinds
}

function outputDifference(vector: VectorCase, outputs: Observed['outputs']): string | undefined {
  const kinds = changelogKinds(vector)
  const topics = new Set([...Object.keys(vector.outputs), ...outputs.keys()])
  // Results first: a wrong changelog is mostly the consequence.
  for (const topic of [...topics].toSorted((a, b) => rank(a) - rank(b))) {
    const expected = vector.outputs[topic] ?? []
    const actual = outputs.get(topic) ?? []
    const kind = kinds.get(topic)
    const found =
      kind === 'set'
        ? sameRecords(topic, sorted(expected), sorted(actual))
        : kind === 'exact' || !topic.endsWith('-changelog')
          ? sameRecords(topic, expected, actual)
          : sameChangelog(topic, expected, actual)
    if (found !== undefined) return found
  }
  return undefined
}

const rank = (topic: string): number =>
  topic.endsWith('-changelog') ? 2 : topic.startsWith('app-') ? 0 : 1

function droppedDifference(
  expected: VectorCase['dropped'],
  actual: Observed['dropped'],
): string | undefined {
  const [wanted, got] = [JSON.stringify(expected), JSON.stringify(actual)]
  return wanted === got ? undefined : `dropped\n  expected ${wanted}\n  actual   ${got}`
}

function storeDifference(vector: VectorCase, stores: Observed['stores']): string | undefined {
  for (const [name, { kind, rows }] of Object.entries(vector.stores)) {
    const wanted = rows.map((row) => JSON.stringify(row)).toSorted()
    const got = (stores.get(name)?.rows ?? []).map((row) => JSON.stringify(row)).toSorted()
    const missing = wanted.filter((row) => !got.includes(row))
    const extra = got.filter((row) => !wanted.includes(row))
    if (missing.length + extra.length > 0 || wanted.length !== got.length)
      return `store ${name} (${kind})\n  missing ${missing.join(' ')}\n  not expected ${extra.join(' ')}`
  }
  return undefined
}

/** The first difference, results before changelogs before stores; `undefined` when all is equal. */
export function findDifference(vector: VectorCase, observed: Observed): string | undefined {
  return (
    outputDifference(vector, observed.outputs) ??
    droppedDifference(vector.dropped, observed.dropped) ??
    storeDifference(vector, observed.stores)
  )
}
