// The processors of the recorded cases (vectors/README section 4). Each is written against the
// public Processor API, as a user would.
import {
  recordHeaders,
  string,
  type ForwardRecord,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type SessionStore,
  type TimestampedKeyValueStore,
  type VersionedKeyValueStore,
  type VersionedRecord,
  type WindowStore,
} from '../../src/index.js'
import { type CaseKey, type CaseRecord, type CaseValue } from './named-functions.js'
import type { Step } from './vector-case.js'

type Context = ProcessorContext<CaseKey, CaseValue, Record<string, never>>
type CaseProcessor = Processor<CaseKey, CaseValue>

const withValue = (record: CaseRecord, value: CaseValue): ForwardRecord<CaseKey, CaseValue> => ({
  ...record,
  value,
  headers: recordHeaders(record.headers),
})

const store = <S>(context: Context, step: Step): S =>
  context.getStateStore(step.store as never) as S

async function list<T>(rows: AsyncIterable<T>, print: (row: T) => string): Promise<string> {
  const texts: string[] = []
  for await (const row of rows) texts.push(print(row))
  return texts.join(',')
}

const pair = ([key, value]: readonly [string | number, string]): string => `${key}=${value}`

/** Runs `process` for records with a key only. */
const keyed = (
  process: (key: string, record: CaseRecord) => void | Promise<void>,
): CaseProcessor => ({
  process: (record) => {
    if (record.key !== null) return process(record.key as string, record)
  },
})

/** What a store gives for a key, without its timestamp where it has one. */
const plain = (row: unknown): unknown =>
  typeof row === 'object' && row !== null && 'value' in row ? row.value : (row ?? null)

const version = (record: VersionedRecord<string> | undefined): string =>
  record === undefined
    ? 'none'
    : `${record.value}@${record.timestampMs}${record.validToMs === undefined ? '' : `>${record.validToMs}`}`

/** The long that the reference returns for a put that came too late. */
const refusedPut = '-9223372036854775808'

const makers: Record<string, (context: Context, step: Step) => CaseProcessor> = {
  pass: (context) => ({ process: (record) => context.forward(record) }),

  dedupe: (context, step) => {
    const rows = store<KeyValueStore<string, string>>(context, step)
    return {
      process(record) {
        const { key, value } = record
        if (key !== null && value !== null) {
          if (rows.get(key as string) === value) return
          rows.put(key as string, value as string)
        }
        return context.forward(record)
      },
    }
  },

  countKey: (context, step) => {
    const rows = store<KeyValueStore<string, string>>(context, step)
    return keyed((key, record) => {
      const count = String(1 + Number(rows.get(key) ?? 0))
      rows.put(key, count)
      return context.forward(withValue(record, count))
    })
  },

  collect: (context, step) => {
    const rows = store<KeyValueStore<string, string>>(context, step)
    let fired = 0
    const schedule = context.schedule({ intervalMs: step.n!, clock: step.clock! }, async (atMs) => {
      const all: (readonly [string, string])[] = []
      for await (const row of rows.all()) all.push(row)
      for (const [key, count] of all) {
        await context.forward({ key, value: `${count}@${atMs}`, timestampMs: atMs })
        rows.delete(key)
      }
      if (++fired === step.times) schedule.cancel()
    })
    return keyed((key) => rows.put(key, String(1 + Number(rows.get(key) ?? 0))))
  },

  ticks: (context, step) => {
    let seen = 0
    context.schedule({ intervalMs: step.n!, clock: step.clock! }, async (atMs) => {
      const at = context.recordMetadata
      const value = `${seen}@${atMs}/${at?.topic}/${at?.partition}/${at?.offset}`
      seen = 0
      await context.forward({ key: 'tick', value, timestampMs: atMs })
    })
    return {
      process(record) {
        seen += 1
        return context.forward(record)
      },
    }
  },

  route: (context, step) => ({
    process(record) {
      if (record.value === null) return context.forward(record)
      return context.forward(record, String(record.value).includes('a') ? step.a : step.b)
    },
  }),

  addHeader: (context, step) => ({
    process(record) {
      record.headers.add(step.header!, String(record.value))
      return context.forward(record)
    },
  }),

  setHeader: (context, step) => ({
    process(record) {
      record.headers.remove(step.header!)
      record.headers.add(step.header!, String(record.timestampMs))
      return context.forward(withValue(record, record.value))
    },
  }),

  shift: (context, step) => ({
    process: (record) =>
      context.forward({
        ...withValue(record, record.value),
        timestampMs: record.timestampMs + step.n!,
      }),
  }),

  fanout: (context, step) => ({
    async process(record) {
      for (let i = 0; i < step.n!; i++)
        await context.forward({
          ...withValue(record, `${record.value}#${i}`),
          timestampMs: record.timestampMs + i,
        })
    },
  }),

  meta: (context) => ({
    process(record) {
      const at = context.recordMetadata
      const times = `${context.streamTimeMs}/${context.systemTimeMs}`
      return context.forward(
        withValue(record, `${at?.topic}/${at?.partition}/${at?.offset}/${times}/${context.taskId}`),
      )
    },
  }),

  scan: (context, step) => {
    const rows = store<KeyValueStore<string, string>>(context, step)
    return keyed(async (key, record) => {
      rows.put(key, record.value as string | null)
      const first = String.fromCodePoint(key.codePointAt(0)!)
      const scans = [
        await list(rows.all(), pair),
        await list(rows.range(key, null), pair),
        await list(rows.range(null, key, { reverse: true }), pair),
        await list(rows.prefixScan(first, string()), pair),
      ]
      await context.forward(withValue(record, scans.join('|')))
    })
  },

  putIfAbsent: (context, step) => {
    const rows = store<KeyValueStore<string, string>>(context, step)
    return keyed((key, record) => {
      const old =
        record.value === null ? rows.delete(key) : rows.putIfAbsent(key, record.value as string)
      return context.forward(withValue(record, `${old ?? null}/${rows.get(key) ?? null}`))
    })
  },

  last: (context, step) => {
    const rows = store<TimestampedKeyValueStore<string, string>>(context, step)
    return keyed((key, record) => {
      const old = rows.get(key)
      rows.put(
        key,
        record.value === null
          ? null
          : { value: record.value as string, timestampMs: record.timestampMs },
      )
      return context.forward(
        withValue(record, old === undefined ? 'none' : `${old.value}@${old.timestampMs}`),
      )
    })
  },

  window: (context, step) => {
    const rows = store<WindowStore<string, string>>(context, step)
    return keyed(async (key, record) => {
      const ts = record.timestampMs
      rows.put(key, record.value as string | null, ts)
      const range = { fromMs: Math.max(0, ts - step.n!), toMs: ts + step.n! }
      const scans = [
        await list(rows.fetch(key, range), pair),
        await list(rows.fetch(key, range, { reverse: true }), pair),
        String(rows.fetch(key, ts) ?? null),
      ]
      await context.forward(withValue(record, scans.join('|')))
    })
  },

  session: (context, step) => {
    const rows = store<SessionStore<string, string>>(context, step)
    return keyed(async (key, record) => {
      const ts = record.timestampMs
      const startMs = Math.max(0, ts - step.n!)
      rows.put({ kind: 'session', key, startMs, endMs: ts }, record.value as string | null)
      const found = rows.findSessions(key, { earliestEndMs: startMs, latestStartMs: ts + step.n! })
      const text = await list(found, ([at, value]) => `${at.startMs}-${at.endMs}=${value}`)
      await context.forward(withValue(record, text))
    })
  },

  versioned: (context, step) => {
    const rows = store<VersionedKeyValueStore<string, string>>(context, step)
    return keyed((key, record) => {
      const { value, timestampMs: ts } = record
      const answer = (): string => {
        if (value === null) return `del:${version(rows.delete(key, ts))}`
        if (String(value).includes('c'))
          return `get:${version(rows.get(key, Math.max(0, ts - step.n!)))}/${version(rows.get(key))}`
        const put = rows.put(key, value as string, ts)
        return `put:${put === undefined ? refusedPut : (put ?? -1)}/${version(rows.get(key))}`
      }
      return context.forward(withValue(record, answer()))
    })
  },

  lookup: (context, step) => {
    const rows = store<KeyValueStore<string, unknown>>(context, step)
    return {
      process(record) {
        const found = record.key === null ? null : plain(rows.get(record.key as string))
        return context.forward(withValue(record, `${record.value}~${found}`))
      },
    }
  },
}

/** The supplier of the processor that a step names. */
export function processorSupplier(step: Step): (context: Context) => CaseProcessor {
  const make = makers[step.processor!]
  if (make === undefined) throw new Error(`unknown processor ${step.processor}`)
  return (context) => make(context, step)
}
