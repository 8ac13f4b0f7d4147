// Counters as plain data under Kafka Streams' metric names. Adapters for monitoring systems read
// them; nothing on the record path knows an adapter.

/** Labels of a metric, such as task and node. */
export type MetricTags = Readonly<Record<string, string>>

/** A number that only grows. */
export interface Counter {
  add(n?: number): void
}

/** Durations in ms; kept as count, sum and maximum. */
export interface Latency {
  record(ms: number): void
}

/** One metric with its labels, as an adapter reads it. */
export interface MetricSample {
  readonly name: string
  readonly tags: MetricTags
  readonly value: number
}

class Cell implements Counter {
  value = 0

  constructor(
    readonly name: string,
    readonly tags: MetricTags,
  ) {}

  add(n = 1): void {
    this.value += n
  }
}

/** All metrics of one application; names are Java's (`process-total`, `dropped-records-total`). */
export class StreamsMetrics {
  readonly #cells = new Map<string, Cell>()
  readonly #gauges = new Map<string, { name: string; tags: MetricTags; read: () => number }>()

  /** The counter of that name and labels; the same one when asked again. */
  counter(name: string, tags: MetricTags = {}): Counter {
    return this.#cell(name, tags)
  }

  /** Kept under `NAME-count`, `NAME-sum-ms` and `NAME-max-ms`. */
  latency(name: string, tags: MetricTags = {}): Latency {
    const count = this.#cell(`${name}-count`, tags)
    const sum = this.#cell(`${name}-sum-ms`, tags)
    const max = this.#cell(`${name}-max-ms`, tags)
    return {
      record(ms) {
        count.value++
        sum.value += ms
        if (ms > max.value) max.value = ms
      },
    }
  }

  /** A number that is asked when metrics are read. Registering again replaces; the result unregisters. */
  gauge(name: string, tags: MetricTags, read: () => number): () => void {
    const id = identity(name, tags)
    const gauge = { name, tags, read }
    this.#gauges.set(id, gauge)
    return () => {
      if (this.#gauges.get(id) === gauge) this.#gauges.delete(id)
    }
  }

  /** Every metric with its labels. */
  samples(): MetricSample[] {
    const samples: MetricSample[] = []
    for (const { name, tags, value } of this.#cells.values()) samples.push({ name, tags, value })
    for (const { name, tags, read } of this.#gauges.values())
      samples.push({ name, tags, value: read() })
    return samples
  }

  /** By name, summed over labels (maxima: the largest). */
  totals(): Map<string, number> {
    const totals = new Map<string, number>()
    for (const { name, value } of this.samples()) {
      const before = totals.get(name)
      if (before === undefined) totals.set(name, value)
      else totals.set(name, name.endsWith('-max-ms') ? Math.max(before, value) : before + value)
    }
    return totals
  }

  #cell(name: string, tags: MetricTags): Cell {
    const id = identity(name, tags)
    let cell = this.#cells.get(id)
    if (cell === undefined) this.#cells.set(id, (cell = new Cell(name, tags)))
    return cell
  }
}

const identity = (name: string, tags: MetricTags): string =>
  `${name}|${Object.entries(tags)
    .map(([label, value]) => `${label}=${value}`)
    .join(',')}`
