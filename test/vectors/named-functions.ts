// The named functions of the recorded cases: `name` or `name:argument`, as vectors/README section 7
// lists them. Values may be null or, behind a count, numbers.
import {
  logAndSkipOnInvalidTimestamp,
  type StreamRecord,
  type TimestampExtractor,
  type Windowed,
} from '../../src/index.js'

export type CaseKey = string | Windowed<string, 'time' | 'session'> | null
export type CaseValue = string | number | bigint | null
export type CaseRecord = StreamRecord<CaseKey, CaseValue>

/** A windowed key prints as `key@start-end`. */
export const keyText = (key: CaseKey): string =>
  key === null || typeof key === 'string'
    ? String(key)
    : `${keyText(key.key)}@${key.startMs}-${key.endMs}`

const split = (spec: string): [name: string, argument: string] => {
  const colon = spec.indexOf(':')
  return colon < 0 ? [spec, ''] : [spec.slice(0, colon), spec.slice(colon + 1)]
}

const unknown = (kind: string, spec: string): never => {
  throw new Error(`unknown ${kind} ${spec}`)
}

const firstCodePoint = (text: string): string | null =>
  text === '' ? null : String.fromCodePoint(text.codePointAt(0)!)

/** True or false for a pair; a null value counts as the empty string. */
export function predicate(spec: string): (value: CaseValue, key: CaseKey) => boolean {
  const [name, argument] = split(spec)
  const text = (value: CaseValue) => (value === null ? '' : String(value))
  switch (name) {
    case 'valueContains':
      return (value) => text(value).includes(argument)
    case 'valueEven':
      return (value) => text(value).length % 2 === 0
    case 'keyIs':
      return (_, key) => key !== null && keyText(key) === argument
    case 'valueNotNull':
      return (value) => value !== null
    case 'all':
      return () => true
    case 'throwIf':
      return (value) => {
        if (text(value).includes(argument)) throw new Error('as the case says')
        return true
      }
    default:
      return unknown('predicate', spec)
  }
}

/** A new value; null gives null unless the function says otherwise. */
export function valueFunction(spec: string): (value: CaseValue, key: CaseKey) => string | null {
  const [name, argument] = split(spec)
  const notNull =
    (change: (text: string, key: CaseKey) => string | null) =>
    (value: CaseValue, key: CaseKey): string | null =>
      value === null ? null : change(String(value), key)
  switch (name) {
    case 'append':
      return notNull((text) => text + argument)
    case 'upper':
      return notNull((text) => text.toUpperCase())
    case 'withKey':
      return notNull((text, key) => `${keyText(key)}=${text}`)
    case 'nullIf':
      return notNull((text) => (text.includes(argument) ? null : text))
    case 'length':
      return notNull((text) => String(text.length))
    case 'const':
      return () => argument
    case 'stringify':
      return notNull((text) => text)
    case 'throwIf':
      return notNull((text) => {
        if (text.includes(argument)) throw new Error('as the case says')
        return text
      })
    default:
      return unknown('value function', spec)
  }
}

/** A new key, possibly null. */
export function keyFunction(spec: string): (value: CaseValue, key: CaseKey) => string | null {
  const [name, argument] = split(spec)
  switch (name) {
    case 'firstChar':
      return (value) => (value === null ? null : firstCodePoint(String(value)))
    case 'firstUnless':
      return (value) =>
        value === null || String(value).includes(argument) ? null : firstCodePoint(String(value))
    case 'prefix':
      return (_, key) => argument + keyText(key)
    case 'const':
      return () => argument
    case 'identity':
    case 'windowed':
      return (_, key) => (key === null ? null : keyText(key))
    case 'nullIf':
      return (value, key) =>
        value === null || String(value).includes(argument) || key === null ? null : keyText(key)
    default:
      return unknown('key function', spec)
  }
}

/** The words of a value. */
export const words = (value: CaseValue): string[] =>
  value === null ? [] : String(value).split(' ')

/** The words of a value, each keyed by its first code point. */
export const keyedWords = (value: CaseValue): [string | null, string][] =>
  words(value).map((word) => [firstCodePoint(word), word])

/** Both sides side by side, with the key in front where the case asks for it. */
export const joiner =
  (withKey: boolean | undefined) =>
  (left: CaseValue, right: CaseValue, key: CaseKey): string =>
    withKey ? `${keyText(key)}:${left}+${right}` : `${left}+${right}`

type Fold = (accumulator: string, value: CaseValue, key: CaseKey) => string | null

/** Folds a value into an aggregate; `concat` where the case names none. */
export function aggregator(spec: string | undefined): Fold {
  const [name, argument] = split(spec ?? 'concat')
  const concat: Fold = (accumulator, value) => `${accumulator}+${value}`
  switch (name) {
    case 'concat':
      return concat
    case 'nullOn':
      return (accumulator, value, key) =>
        value !== null && String(value).includes(argument) ? null : concat(accumulator, value, key)
    case 'max':
      return (accumulator, value) => (accumulator >= String(value) ? accumulator : String(value))
    default:
      return unknown('aggregator', spec ?? '')
  }
}

export const initial = (): string => '0'
export const subtract = (accumulator: CaseValue, value: CaseValue): string =>
  `${accumulator}-${value}`
export const mergeSessions = (first: CaseValue, second: CaseValue): string => `${first}&${second}`

/** Where a case takes its event times from. */
export function extractor(spec: string): TimestampExtractor<CaseValue, string> {
  const [name, argument] = split(spec)
  const fromValue = (value: CaseValue, recordMs: number): number => {
    const at = value === null ? -1 : String(value).indexOf('@')
    return at < 0 ? recordMs : Number.parseInt(String(value).slice(at + 1), 10)
  }
  switch (name) {
    case 'fromValue':
      return (value, _, record) => fromValue(value, record.timestampMs)
    case 'fromValueOrPartitionTime':
      return (value, _, record, partitionTimeMs) => {
        const timestampMs = fromValue(value, record.timestampMs)
        return timestampMs < 0 ? partitionTimeMs : timestampMs
      }
    case 'partitionTimePlus':
      return (_value, _key, _record, partitionTimeMs) => partitionTimeMs + Number(argument)
    case 'logAndSkip':
      return logAndSkipOnInvalidTimestamp as TimestampExtractor<CaseValue, string>
    default:
      return unknown('extractor', spec)
  }
}

/** Chooses a sink's topic per record. */
export function topicChooser(
  by: string,
): (value: CaseValue, key: CaseKey, record: CaseRecord) => string {
  switch (by) {
    case 'value':
      return (value) => `OUT-${value === null ? null : firstCodePoint(String(value))}`
    case 'key':
      return (_, key) => `OUT-${keyText(key)}`
    case 'source':
      return (_value, _key, record) => `OUT-${record.metadata?.topic}`
    case 'timestamp':
      return (_value, _key, record) => `OUT-${Math.abs(record.timestampMs % 2)}`
    case 'header':
      return (_value, _key, record) =>
        record.headers.get('h') === undefined ? 'OUT-none' : 'OUT-h'
    default:
      return unknown('topic chooser', by)
  }
}
