// The form of a recorded case, one line of a `.jsonl` file.

export interface VectorInput {
  readonly topic?: string
  readonly key?: string | null
  readonly value?: string | null
  readonly ts?: number
  readonly headers?: readonly (readonly [name: string, value: string | null])[]
  readonly advanceWallClock?: number
}

/** One branch of a `split` step. */
export interface BranchStep {
  readonly fn: string
  readonly id: string
  readonly name?: string
}

/** One call; which fields it has depends on `op`. */
export interface Step {
  readonly op: string
  readonly id?: string
  readonly on?: string
  readonly with?: string
  readonly named?: string
  readonly name?: string
  readonly topic?: string | readonly string[]
  readonly topics?: readonly string[]
  readonly parents?: readonly string[]
  readonly processors?: readonly string[]
  readonly by?: string
  readonly fn?: string
  readonly key?: string
  readonly extractor?: string
  readonly keySerde?: string
  readonly valueSerde?: string
  // Store options.
  readonly store?: string
  readonly mat?: boolean
  readonly caching?: boolean
  readonly logging?: false
  readonly inMemory?: boolean
  readonly retention?: number
  readonly history?: number
  // Stores by hand.
  readonly kind?: string
  readonly size?: number
  readonly duplicates?: boolean
  readonly lru?: number
  // Processors.
  readonly processor?: string
  readonly stores?: readonly string[]
  readonly clock?: 'stream' | 'wall'
  readonly n?: number
  readonly times?: number
  readonly a?: string
  readonly b?: string
  readonly header?: string
  // Windows and joins.
  readonly advance?: number
  readonly gap?: number
  readonly grace?: number
  readonly emit?: 'close'
  readonly before?: number
  readonly after?: number
  readonly withKey?: boolean
  // The rest.
  readonly branches?: readonly BranchStep[]
  readonly default?: string
  readonly defaultName?: string
  readonly partitions?: number
  readonly limit?: number
  readonly maxRecords?: number
  readonly maxBytes?: number
  readonly full?: 'stop'
}

/** A produced record; key, value and header values are base64 texts. */
export interface OutputRecord {
  readonly after: number
  readonly n?: number
  readonly key: string | null
  readonly value: string | null
  readonly ts: number | null
  readonly headers?: readonly (readonly [name: string, value: string | null])[]
}

export interface StoreContent {
  readonly kind: string
  readonly rows: readonly (readonly (string | number)[])[]
}

export interface VectorCase {
  readonly name: string
  readonly family: string
  readonly tags?: readonly string[]
  readonly api: 'dsl' | 'topology'
  readonly config: {
    readonly caching?: boolean
    readonly optimize?: boolean
    readonly onProcessingError?: 'continue'
    readonly onDeserializationError?: 'continue'
  }
  readonly steps: readonly Step[]
  readonly inputs: readonly VectorInput[]
  readonly describe: string
  readonly outputs: Readonly<Record<string, readonly OutputRecord[]>>
  readonly dropped: readonly (readonly [input: number, count: number])[]
  readonly stores: Readonly<Record<string, StoreContent>>
}
