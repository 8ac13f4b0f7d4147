// A store whose rows lie in another store: it has its own reads and writes, the lifecycle is the
// inner one's.
import type { WriteBatch } from './bytes-store.js'
import type { ChangelogRecord, TaskStore } from './state-store.js'

export abstract class RowsOver<S extends TaskStore> implements TaskStore {
  protected readonly inner: S
  readonly api: unknown = undefined
  readonly view: unknown = undefined

  constructor(inner: S) {
    this.inner = inner
  }

  get name(): string {
    return this.inner.name
  }

  restore(records: readonly ChangelogRecord[]): void {
    this.inner.restore(records)
  }

  flushCache(): void | Promise<void> {
    return this.inner.flushCache()
  }

  writeChangelog(): void {
    this.inner.writeChangelog()
  }

  committed(): void {
    this.inner.committed()
  }

  aborted(): void {
    this.inner.aborted()
  }

  persist(batch: WriteBatch): void {
    this.inner.persist(batch)
  }

  persisted(): void {
    this.inner.persisted()
  }

  get pinnedBytes(): number {
    return this.inner.pinnedBytes
  }

  get dirtyBytes(): number {
    return this.inner.dirtyBytes
  }

  close(): void {
    this.inner.close()
  }
}
