// Stores of users' own making: the task only carries their changelog.
import type { StoreSpec } from './state-store.js'

/** A store of the user's own. */
export interface CustomStore {
  /** Called at every commit, after the topology's other work. */
  flush(): void
  close(): void
}

export interface CustomStoreContext {
  readonly name: string
  readonly taskId: string
  /** A folder of the store's own; it is made when first asked for by the store itself. */
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

export interface CustomOptions<S extends CustomStore> {
  readonly logging?: false | Readonly<Record<string, string>> | undefined
  readonly open: (context: CustomStoreContext) => S
}

export declare function customSpec<S extends CustomStore>(
  name: string,
  o: CustomOptions<S>,
): StoreSpec
