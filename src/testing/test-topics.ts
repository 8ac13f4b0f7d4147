// The two ends of a topology under test: pipe records in, read what came out.
import { checkedMs } from '../clock.js'
import { DeserializationError, IllegalStateError } from '../errors.js'
import { reasonOf } from '../runtime/error-handlers.js'
import {
  HeaderList,
  headerEntries,
  recordHeaders,
  type RecordHeaders,
} from '../serde/record-headers.js'
import type { Serde } from '../serde/serde.js'
import type { KeyValue } from '../state/key-value-store.js'
import type {
  Piped,
  PipedBytes,
  ProducedBytes,
  ProducedRecords,
  TestRecord,
} from './test-records.js'

/** Feeds one topic; each call resolves when everything that follows from it has been processed. */
export interface TestInputTopic<in K, in V> {
  pipeInput(key: K | null, value: V | null, options?: Piped): Promise<void>
  /** Pipes a record without a key. */
  pipeValue(value: V | null, options?: Piped): Promise<void>
  /** With `timestampMs` the records are `advanceMs` apart from there; else the topic's time serves. */
  pipeKeyValueList(
    list: Iterable<KeyValue<K | null, V | null>>,
    options?: Piped & { readonly advanceMs?: number | undefined },
  ): Promise<void>
  pipeValueList(
    list: Iterable<V | null>,
    options?: Piped & { readonly advanceMs?: number | undefined },
  ): Promise<void>
  pipeRecordList(
    list: Iterable<Piped & { readonly key: K | null; readonly value: V | null }>,
  ): Promise<void>
  /** Moves the topic's time on. @throws RangeError for a negative step */
  advanceTime(ms: number): void
}

/**
 * Reads one topic; reading removes. Two readers of one topic share its records. What the serdes cannot
 * read is a DeserializationError.
 */
export interface TestOutputTopic<out K, out V> {
  /** @throws IllegalStateError when there is none. */
  readRecord(): TestRecord<K, V>
  /** @throws IllegalStateError when there is none. */
  readKeyValue(): KeyValue<K | null, V | null>
  /** @throws IllegalStateError when there is none. */
  readValue(): V | null
  readRecordsToList(): readonly TestRecord<K, V>[]
  readKeyValuesToList(): readonly KeyValue<K | null, V | null>[]
  readValuesToList(): readonly (V | null)[]
  /** The last value of each key. @throws IllegalStateError for a null key. */
  readKeyValuesToMap(): ReadonlyMap<K, V>
  readonly isEmpty: boolean
  readonly queueSize: number
}

/** Where the time of records without one starts, and how it moves. */
export interface InputTopicTimes {
  readonly startMs: number
  readonly autoAdvanceMs?: number | undefined
}

/** @throws RangeError for a step back, TypeError for one that is not whole milliseconds */
export function checkStep(ms: number, method: string): void {
  if (ms < 0) throw new RangeError(`time does not go back: ${method}(${ms})`)
  checkedMs(ms, `the step of ${method}`, 0)
}

/** An input topic over any way to deliver bytes. */
export class BytesInputTopic<K, V> implements TestInputTopic<K, V> {
  readonly #topic: string
  readonly #key: Serde<K>
  readonly #value: Serde<V>
  readonly #pipe: (record: PipedBytes) => Promise<void>
  readonly #autoAdvanceMs: number
  #nowMs: number

  constructor(
    topic: string,
    serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
    times: InputTopicTimes,
    pipe: (record: PipedBytes) => Promise<void>,
  ) {
    this.#topic = topic
    this.#key = serdes.key
    this.#value = serdes.value
    this.#nowMs = times.startMs
    this.#autoAdvanceMs = times.autoAdvanceMs ?? 0
    if (this.#autoAdvanceMs < 0)
      throw new RangeError(`autoAdvanceMs must not be negative, got ${this.#autoAdvanceMs}`)
    this.#pipe = pipe
  }

  // The bytes are written before the first wait: the caller may change its objects afterwards.
  async pipeInput(key: K | null, value: V | null, options: Piped = {}): Promise<void> {
    const headers = recordHeaders(options.headers ?? [])
    const timestampMs = options.timestampMs ?? this.#takeTime()
    // A negative one may be tried: extractors are there for it.
    checkedMs(timestampMs, `the timestampMs of a record for ${this.#topic}`, -Infinity)
    await this.#pipe({
      topic: this.#topic,
      partition: options.partition,
      key: key === null ? null : this.#key.serialize(key, this.#topic, headers),
      value: value === null ? null : this.#value.serialize(value, this.#topic, headers),
      timestampMs,
      headers: headerEntries(headers),
    })
  }

  pipeValue(value: V | null, options?: Piped): Promise<void> {
    return this.pipeInput(null, value, options)
  }

  async pipeKeyValueList(
    list: Iterable<KeyValue<K | null, V | null>>,
    options: Piped & { readonly advanceMs?: number | undefined } = {},
  ): Promise<void> {
    const { timestampMs: startMs, advanceMs = 0, ...rest } = options
    let i = 0
    for (const [key, value] of list) {
      const timestampMs = startMs === undefined ? undefined : startMs + i++ * advanceMs
      await this.pipeInput(key, value, { ...rest, timestampMs })
    }
  }

  async pipeValueList(
    list: Iterable<V | null>,
    options?: Piped & { readonly advanceMs?: number | undefined },
  ): Promise<void> {
    const pairs = Array.from(list, (value): KeyValue<null, V | null> => [null, value])
    await this.pipeKeyValueList(pairs, options)
  }

  async pipeRecordList(
    list: Iterable<Piped & { readonly key: K | null; readonly value: V | null }>,
  ): Promise<void> {
    for (const { key, value, ...options } of list) await this.pipeInput(key, value, options)
  }

  advanceTime(ms: number): void {
    checkStep(ms, 'advanceTime')
    this.#nowMs += ms
  }

  #takeTime(): number {
    const nowMs = this.#nowMs
    this.#nowMs += this.#autoAdvanceMs
    return nowMs
  }
}

/** An output topic over the driver's pile of produced records. */
export class BytesOutputTopic<K, V> implements TestOutputTopic<K, V> {
  readonly #topic: string
  readonly #key: Serde<K>
  readonly #value: Serde<V>
  readonly #produced: ProducedRecords
  readonly #nowMs: () => number

  constructor(
    topic: string,
    serdes: { readonly key: Serde<K>; readonly value: Serde<V> },
    produced: ProducedRecords,
    nowMs: () => number,
  ) {
    this.#topic = topic
    this.#key = serdes.key
    this.#value = serdes.value
    this.#produced = produced
    this.#nowMs = nowMs
  }

  get isEmpty(): boolean {
    return this.queueSize === 0
  }

  get queueSize(): number {
    return this.#produced.size(this.#topic)
  }

  readRecord(): TestRecord<K, V> {
    const record = this.#produced.take(this.#topic)
    if (record === undefined) throw new IllegalStateError(this.#nothing())
    return this.#decode(record)
  }

  readKeyValue(): KeyValue<K | null, V | null> {
    const { key, value } = this.readRecord()
    return [key, value]
  }

  readValue(): V | null {
    return this.readRecord().value
  }

  readRecordsToList(): readonly TestRecord<K, V>[] {
    const records: TestRecord<K, V>[] = []
    while (!this.isEmpty) records.push(this.readRecord())
    return records
  }

  readKeyValuesToList(): readonly KeyValue<K | null, V | null>[] {
    return this.readRecordsToList().map(({ key, value }) => [key, value] as const)
  }

  readValuesToList(): readonly (V | null)[] {
    return this.readRecordsToList().map(({ value }) => value)
  }

  readKeyValuesToMap(): ReadonlyMap<K, V> {
    const map = new Map<K, V>()
    for (const { key, value } of this.readRecordsToList()) {
      if (key === null)
        throw new IllegalStateError(
          `a record of ${this.#topic} has a null key, which a map cannot hold: read a list`,
        )
      // A tombstone is kept as it is: the type says what most readers expect.
      map.set(key, value as V)
    }
    return map
  }

  #nothing(): string {
    const topics = [...this.#produced.topics].toSorted()
    return topics.includes(this.#topic)
      ? `${this.#topic} holds no more records`
      : `nothing was produced to ${this.#topic}; there are records of ${topics.join(', ') || 'no topic'}`
  }

  #decode({ key, value, timestampMs, headers }: ProducedBytes): TestRecord<K, V> {
    const list = new HeaderList(headers)
    return {
      key: this.#read(this.#key, 'key', key, list),
      value: this.#read(this.#value, 'value', value, list),
      timestampMs: timestampMs ?? this.#nowMs(),
      headers: list,
    }
  }

  #read<T>(
    serde: Serde<T>,
    part: string,
    bytes: Uint8Array | null,
    headers: RecordHeaders,
  ): T | null {
    if (bytes === null) return null
    try {
      return serde.deserialize(bytes, this.#topic, headers)
    } catch (cause) {
      const text = `the ${part} of a record of ${this.#topic} cannot be read: ${reasonOf(cause)}`
      throw new DeserializationError(text, { cause })
    }
  }
}
