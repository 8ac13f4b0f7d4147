// Runs one stateful node on stores that are plain maps: the rows hold copies, so a fold that
// changes its accumulator in place shows here when the node leaks it.
import type { NodeContext, NodeProcessor, NodeSupplier } from '../../../src/topology/processor.js'
import { FlowRecord } from '../../../src/topology/stream-record.js'
import { HeaderList, recordHeaders } from '../../../src/serde/record-headers.js'
import type { Windowed, WindowKind } from '../../../src/serde/windowed.js'
import type { Change } from '../../../src/dsl/change.js'

interface Row {
  value: any
  timestampMs: number
  readonly key: string
  readonly startMs: number
  readonly endMs: number
}

/** All kinds of rows in one: (key, start, end) → value and time. */
export class MapRows {
  readonly cached = false
  readonly rows = new Map<string, Row>()
  #undo = new Map<object, any>()

  row(key: string, startMs = 0, endMs = 0): Row | undefined {
    return this.rows.get(`${key}/${startMs}/${endMs}`)
  }

  protect(row: Row): void {
    this.#undo.set(row, structuredClone(row.value))
  }

  undo(row: Row): void {
    row.value = this.#undo.get(row)
  }

  copyOf(row: { readonly value: any }): any {
    return structuredClone(row.value)
  }

  put(key: string, startMs: number, endMs: number, value: any, timestampMs: number): boolean {
    const at = `${key}/${startMs}/${endMs}`
    if (value === null) this.rows.delete(at)
    else this.rows.set(at, { key, startMs, endMs, value, timestampMs })
    return true
  }

  find(key: string, fromMs: number, toMs: number): Row[] {
    return this.#sorted().filter((r) => r.key === key && r.startMs >= fromMs && r.startMs <= toMs)
  }

  /** Keeps everything. */
  keptFromMs(): number {
    return 0
  }

  async *closed(fromMs: number, toMs: number): AsyncIterable<readonly Row[]> {
    yield this.#sorted().filter((r) => r.startMs >= fromMs && r.startMs <= toMs)
  }

  #sorted(): Row[] {
    return [...this.rows.values()].sort((a, b) => a.startMs - b.startMs || (a.key < b.key ? -1 : 1))
  }
}

export class KeyRows extends MapRows {
  write(key: string, value: any, timestampMs: number): void {
    this.put(key, 0, 0, value, timestampMs)
  }
}

export class WindowMapRows extends MapRows {
  write(key: string, startMs: number, value: any, timestampMs: number): boolean {
    return this.put(key, startMs, 0, value, timestampMs)
  }

  update({ key, startMs }: Row, value: any, timestampMs: number): boolean {
    return this.put(key, startMs, 0, value, timestampMs)
  }
}

export class SessionMapRows extends MapRows {
  write(key: string, startMs: number, endMs: number, value: any): boolean {
    return this.put(key, startMs, endMs, value, -1)
  }

  /** Sessions are removed and written anew. */
  grows(): boolean {
    return false
  }

  override find(key: string, earliestEndMs: number, latestStartMs: number): Row[] {
    return this.#byEnd().filter(
      (r) => r.key === key && r.endMs >= earliestEndMs && r.startMs <= latestStartMs,
    )
  }

  override async *closed(fromMs: number, toMs: number): AsyncIterable<readonly Row[]> {
    yield this.#byEnd().filter((r) => r.endMs >= fromMs && r.endMs <= toMs)
  }

  #byEnd(): Row[] {
    return [...this.rows.values()].sort((a, b) => a.endMs - b.endMs || a.startMs - b.startMs)
  }
}

/** What a node did with a record: `key=new@time`, `(old)` where there is one, `{headers}`, `drop`. */
export class NodeHarness {
  readonly outputs: string[] = []
  readonly committed = new Map<string, number>()
  nowMs = 0
  /** Forwards answer with a promise, as an asynchronous child makes them. */
  asyncChildren = false
  showOld = false
  readonly #node: NodeProcessor

  constructor(supplier: NodeSupplier, store: object, config: Record<string, unknown> = {}) {
    const harness = this
    this.#node = supplier({
      nodeName: 'NODE',
      taskId: '0_0',
      config: { emitIntervalMs: 0, ...config },
      mayContinue: true,
      get systemTimeMs() {
        return harness.nowMs
      },
      store: () => store,
      committedTimes: {
        get: (name: string) => harness.committed.get(name),
        set: (name: string, ms: number) => void harness.committed.set(name, ms),
      },
      drop: () => void this.outputs.push('drop'),
      under: (_record: FlowRecord, action: () => void | Promise<void>) => action(),
      forward: (record: FlowRecord<unknown, Change>) => this.#forward(record),
    } as unknown as NodeContext)
  }

  /** Processes a record; resolves with what came out. */
  async pipe(key: any, value: any, timestampMs: number, header?: string): Promise<string[]> {
    const headers = recordHeaders(header === undefined ? {} : { h: header }) as HeaderList
    const metadata = { topic: 'in', partition: 0, offset: 0 }
    await this.#node.process(new FlowRecord(key, value, timestampMs, headers, metadata))
    return this.outputs.splice(0)
  }

  #forward(record: FlowRecord<unknown, Change>): void | Promise<void> {
    const { newValue, oldValue } = record.value
    const header = record.headers.get('h')
    this.outputs.push(
      `${keyText(record.key)}=${text(newValue)}@${record.timestampMs}` +
        (this.showOld ? `(${text(oldValue)})` : '') +
        (header ? `{${Buffer.from(header).toString()}}` : ''),
    )
    if (this.asyncChildren) return Promise.resolve()
  }
}

const keyText = (key: any): string => {
  if (typeof key !== 'object' || key === null) return String(key)
  const { kind, key: inner, startMs, endMs } = key as Windowed<string, WindowKind>
  return `${inner}[${startMs},${endMs}${kind === 'session' ? ']' : ')'}`
}

const text = (value: unknown): string =>
  value === null ? '∅' : typeof value === 'object' ? JSON.stringify(value) : String(value)
