// Stores of users' own making: the task only carries their changelog. Their rows are their own, so
// nothing of them is undone when a transaction is aborted: the task is opened anew, and restores them
// from the whole changelog.
import { mkdirSync } from 'node:fs'
import type { ChangelogRecord, StoreContext, StoreSpec, TaskStore } from './state-store.js'
import { StateStoreError } from '../errors.js'

/** A store of the user's own. */
export interface CustomStore {
  /** Called at every commit, before the changelog's records are acknowledged. */
  flush(): void
  close(): void
}

/** What `open` of a store of the user's own is given. */
export interface CustomStoreContext {
  readonly name: string
  readonly taskId: string
  /**
   * A folder of the store's own, made when it is first asked for. The whole changelog is restored after
   * each opening, so what a former run left there may be deleted.
   */
  readonly directory: string
  /** Writes a changelog record; does nothing where logging is off. */
  log(key: Uint8Array, value: Uint8Array | null, timestampMs: number): void
  /** Registers what applies changelog records, in order. */
  onRestore(
    apply: (
      records: readonly {
        readonly key: Uint8Array
        readonly value: Uint8Array | null
        readonly timestampMs: number
      }[],
    ) => void,
  ): void
}

/** How a store of the user's own is opened, and whether it has a changelog. */
export interface CustomStoreOptions<S extends CustomStore> {
  readonly logging?: false | Readonly<Record<string, string>> | undefined
  readonly open: (context: CustomStoreContext) => S
}

/** Rows in memory, as far as the task knows: it restores the whole changelog at every start. */
export const customSpec = <S extends CustomStore>(
  name: string,
  o: CustomStoreOptions<S>,
): StoreSpec => ({
  name,
  kind: 'custom',
  engine: 'memory',
  caching: false,
  logging: o.logging ?? {},
  changelog: 'keyValue',
  retentionMs: undefined,
  open: (context) => new CustomTaskStore(name, o, context),
})

class CustomTaskStore<S extends CustomStore> implements TaskStore {
  readonly name: string
  readonly api: S
  readonly pinnedBytes = 0
  readonly dirtyBytes = 0
  #apply: ((records: readonly ChangelogRecord[]) => void) | undefined

  constructor(name: string, options: CustomStoreOptions<S>, context: StoreContext) {
    this.name = name
    const api: S | undefined = options.open({
      name,
      taskId: context.taskId,
      get directory() {
        mkdirSync(context.directory, { recursive: true })
        return context.directory
      },
      log: (key, value, timestampMs) => context.log(key, value, timestampMs),
      onRestore: (apply) => void (this.#apply = apply),
    })
    if (typeof api?.flush !== 'function' || typeof api.close !== 'function')
      throw new StateStoreError(
        `store ${name}: open() must return the store, an object with flush() and close()`,
        { task: context.taskId },
      )
    this.api = api
  }

  get view(): S {
    return this.api
  }

  restore(records: readonly ChangelogRecord[]): void {
    if (this.#apply === undefined)
      throw new StateStoreError(
        `store ${this.name} has a changelog to restore, but its open() registered nothing with onRestore; register, or set logging: false`,
      )
    this.#apply(records)
  }

  flushCache(): void {}

  writeChangelog(): void {
    this.api.flush()
  }

  committed(): void {}

  aborted(): void {}

  persist(): void {}

  persisted(): void {}

  close(): void {
    this.api.close()
  }
}
