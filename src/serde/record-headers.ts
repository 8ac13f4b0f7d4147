// Record headers: a small ordered list in which names may repeat.

/** One header; a value may be null. */
export type HeaderEntry = readonly [name: string, value: Uint8Array | null]

/** In order, names may repeat. What a processor adds or removes is seen by later children and the sink. */
export interface RecordHeaders extends Iterable<HeaderEntry> {
  /** The last header of that name. */
  get(name: string): Uint8Array | null | undefined
  /** All headers of that name, in order. */
  getAll(name: string): readonly (Uint8Array | null)[]
  /** Adds one at the end; a text becomes UTF-8. */
  add(name: string, value: Uint8Array | string | null): void
  /** Removes all of that name. */
  remove(name: string): void
}

/** What `recordHeaders` and `pipeInput` accept; texts become UTF-8. */
export type HeadersInit =
  | Iterable<readonly [name: string, value: Uint8Array | string | null]>
  | Readonly<Record<string, Uint8Array | string | null>>

export const noHeaders: readonly HeaderEntry[] = Object.freeze([])

const encoder = new TextEncoder()
const toBytes = (value: Uint8Array | string | null): Uint8Array | null =>
  typeof value === 'string' ? encoder.encode(value) : value

/**
 * The headers of one record. The list inside is never changed, only replaced, so that copies share
 * it: a record costs one small object, and a change is never seen by another record.
 */
export class HeaderList implements RecordHeaders {
  #entries: readonly HeaderEntry[]

  constructor(entries: readonly HeaderEntry[] = noHeaders) {
    this.#entries = entries
  }

  /** The current list; it stays as it is when headers are added later. */
  get entries(): readonly HeaderEntry[] {
    return this.#entries
  }

  get(name: string): Uint8Array | null | undefined {
    return this.#entries.findLast((h) => h[0] === name)?.[1]
  }

  getAll(name: string): readonly (Uint8Array | null)[] {
    return this.#entries.filter((h) => h[0] === name).map((h) => h[1])
  }

  add(name: string, value: Uint8Array | string | null): void {
    this.#entries = [...this.#entries, [name, toBytes(value)]]
  }

  remove(name: string): void {
    if (this.#entries.some((h) => h[0] === name))
      this.#entries = this.#entries.filter((h) => h[0] !== name)
  }

  [Symbol.iterator](): Iterator<HeaderEntry> {
    return this.#entries[Symbol.iterator]()
  }
}

/** The entries of any headers, without a copy where they are ours. */
export const headerEntries = (headers: RecordHeaders | undefined): readonly HeaderEntry[] => {
  if (headers === undefined || headers === null) return noHeaders
  return headers instanceof HeaderList ? headers.entries : [...headers]
}

/** New headers, empty or from pairs or an object. */
export function recordHeaders(init: HeadersInit = []): RecordHeaders {
  const pairs = Symbol.iterator in init ? init : Object.entries(init)
  return new HeaderList(
    Array.from(
      pairs as Iterable<readonly [string, Uint8Array | string | null]>,
      ([name, value]) => [name, toBytes(value)],
    ),
  )
}
