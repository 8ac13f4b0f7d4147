// Reads all rows of a store as the recorded cases print them: values as text, longs in decimal.
import type {
  KeyValue,
  KeyValueStore,
  ValueAndTimestamp,
  Windowed,
  WindowStore,
} from '../../src/index.js'
import type { TopologyTestDriver } from '../../src/testing/topology-test-driver.js'

type Row = (string | number)[]

/** The session store's rows of all keys: only the view for queries scans them. */
interface SessionView {
  fetchAll(): AsyncIterable<KeyValue<Windowed<string, 'session'>, unknown>>
}

async function collect<T>(rows: AsyncIterable<T>, print: (row: T) => Row): Promise<Row[]> {
  const all: Row[] = []
  for await (const row of rows) all.push(print(row))
  return all
}

/** The rows of a store of the given kind. */
export async function readStore(
  driver: TopologyTestDriver<any>,
  name: string,
  kind: string,
): Promise<Row[]> {
  const store = driver.stateStore(name)
  switch (kind) {
    case 'keyValue':
      return collect((store as KeyValueStore<string, unknown>).all(), ([key, value]) => [
        key,
        String(value),
      ])
    case 'timestampedKeyValue':
      return collect(
        (store as KeyValueStore<string, ValueAndTimestamp<unknown>>).all(),
        ([key, { value, timestampMs }]) => [key, String(value), timestampMs],
      )
    case 'window':
      return collect((store as WindowStore<string, unknown>).all(), ([at, value]) => [
        at.key,
        at.startMs,
        String(value),
      ])
    case 'timestampedWindow':
      return collect(
        (store as WindowStore<string, ValueAndTimestamp<unknown>>).all(),
        ([at, { value, timestampMs }]) => [at.key, at.startMs, String(value), timestampMs],
      )
    case 'session':
      return collect(
        'all' in (store as object)
          ? (store as { all(): ReturnType<SessionView['fetchAll']> }).all()
          : (driver.store(name) as unknown as SessionView).fetchAll(),
        ([at, value]) => [at.key, at.startMs, at.endMs, String(value)],
      )
    default:
      throw new Error(`unknown store kind ${kind}`)
  }
}
