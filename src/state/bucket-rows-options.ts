// What a store of lists is told when it is opened.
import type { RowStoreOptions } from './row-store.js'

export interface BucketRowsOptions<K, V> extends RowStoreOptions<K, V> {
  readonly engine: 'leveldb' | 'memory'
  readonly retentionMs: number
  /** Length of a bucket: about as wide as a look-up, so that it needs two or three of them. */
  readonly bucketMs: number
  /** How much longer than the retention the disk keeps what a record cache shows (semantics 12.16). */
  readonly slackMs?: number | undefined
  readonly timeFirst?: boolean | undefined
  readonly lenient?: boolean | undefined
}
