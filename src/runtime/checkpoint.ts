// What a task's database knows beside its stores' rows, in the same batch as they are: how far each
// store follows its changelog, and which input offsets were committed by then.
//
//   key    00 · "changelog:" store name        value  JSON { topic, topicId, offset, atMs }
//   key    00 · "input:" topic "-" partition   value  JSON offset
//   rows of a store have the store's name and 00 in front, so no row begins with 00
import { StateStoreError } from '../errors.js'
import type { BytesStore, WriteBatch } from '../state/bytes-store.js'

/** How far a store's rows follow its changelog. */
export interface ChangelogPosition {
  readonly topic: string
  /** Another id is another topic of the same name. */
  readonly topicId: string | undefined
  /** The next offset to restore from. */
  readonly offset: number
  /** When this was written, ms since the epoch. */
  readonly atMs: number
}

/** What a database says of its task. */
export interface Checkpoint {
  readonly changelogs: Map<string, ChangelogPosition>
  readonly inputs: Map<string, number>
}

/** The prefix of a store's rows. */
export const storePrefix = (store: string): Uint8Array => Buffer.from(`${store}\0`)

const changelogPrefix = '\0changelog:'
const inputPrefix = '\0input:'

/** Adds what changed to the batch that holds the rows. */
export function writeCheckpoint(
  batch: WriteBatch,
  changelogs: Iterable<readonly [store: string, position: ChangelogPosition]>,
  inputs: Iterable<readonly [partition: string, offset: number]>,
): void {
  for (const [store, position] of changelogs)
    batch.put(Buffer.from(changelogPrefix + store), Buffer.from(JSON.stringify(position)))
  for (const [partition, offset] of inputs)
    batch.put(Buffer.from(inputPrefix + partition), Buffer.from(JSON.stringify(offset)))
}

/** Forgets how far a store follows its changelog, before it is wiped. */
export const forgetChangelog = (batch: WriteBatch, store: string): void =>
  batch.delete(Buffer.from(changelogPrefix + store))

/** Reads everything; without a database there is nothing. @throws StateStoreError when a row makes no sense. */
export async function readCheckpoint(database: BytesStore | undefined): Promise<Checkpoint> {
  const changelogs = new Map<string, ChangelogPosition>()
  const inputs = new Map<string, number>()
  if (database === undefined) return { changelogs, inputs }
  for await (const [key, value] of database.scan({ from: Buffer.of(0), to: Buffer.of(1) })) {
    const name = Buffer.from(key).toString('utf8')
    try {
      const parsed = JSON.parse(Buffer.from(value).toString('utf8')) as unknown
      if (name.startsWith(changelogPrefix))
        changelogs.set(name.slice(changelogPrefix.length), parsed as ChangelogPosition)
      else if (name.startsWith(inputPrefix))
        inputs.set(name.slice(inputPrefix.length), parsed as number)
    } catch (cause) {
      throw new StateStoreError(
        `the state directory holds a damaged checkpoint for ${name.slice(1)}`,
        {
          cause,
        },
      )
    }
  }
  return { changelogs, inputs }
}
