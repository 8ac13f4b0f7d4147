// From where to where a store is restored, and when its local rows cannot be trusted any more.
import type { ChangelogPosition } from './checkpoint.js'

/** What is known about a store and its changelog partition when its task is opened. */
export interface ChangelogFacts {
  readonly store: string
  readonly topic: string
  readonly partition: number
  readonly topicId: string | undefined
  /** First offset of the log. */
  readonly earliest: number
  /** High watermark, asked read-uncommitted: records of a transaction that is being decided count. */
  readonly latest: number
  /** How far the local rows go; `undefined` without local rows. */
  readonly stored: ChangelogPosition | undefined
  /** How long tombstones stay; `undefined` where the topic is not compacted. */
  readonly deleteRetentionMs: number | undefined
  /** Whether input offsets were committed for the task, so that nobody would write the rows again. */
  readonly inputsCommitted: boolean
  /** Set for a source topic that serves as changelog: the committed offset of that input. */
  readonly committedInput: number | undefined
  readonly isSource: boolean
  readonly nowMs: number
}

/** `from` inclusive, `to` exclusive. `wipe` says why local rows go; `lost` stops the task. */
export type ChangelogPlan =
  | { readonly from: number; readonly to: number; readonly wipe: string | undefined }
  | { readonly lost: string }

/** The plan for one store. With `onOffsetLost: 'reset'` nothing is lost: what the changelog holds counts. */
export function planRestore(facts: ChangelogFacts, onOffsetLost: 'fail' | 'reset'): ChangelogPlan {
  const { stored, earliest, latest } = facts
  const to = facts.isSource ? Math.min(latest, facts.committedInput ?? 0) : latest
  if (stored === undefined) return { from: earliest, to, wipe: undefined }
  const wiped = (reason: string): ChangelogPlan => ({ from: earliest, to, wipe: reason })
  const lost = (what: string): ChangelogPlan =>
    facts.inputsCommitted && onOffsetLost === 'fail'
      ? { lost: lostMessage(facts, what) }
      : wiped(what)
  if (stored.topic !== facts.topic) return wiped(`its changelog was ${stored.topic} before`)
  if (
    stored.topicId !== undefined &&
    facts.topicId !== undefined &&
    stored.topicId !== facts.topicId
  )
    return lost('the topic was deleted and made anew')
  if (!facts.isSource && stored.offset > latest)
    return lost(`the topic ends at ${latest}, below the stored offset ${stored.offset}`)
  if (stored.offset < earliest)
    return wiped(
      `the stored offset ${stored.offset} lies below the start ${earliest} of the changelog`,
    )
  if (
    facts.deleteRetentionMs !== undefined &&
    facts.nowMs - stored.atMs > facts.deleteRetentionMs &&
    latest > stored.offset
  )
    return wiped(
      'the local state is older than delete.retention.ms of the changelog, so deletions may be missing',
    )
  return { from: stored.offset, to, wipe: undefined }
}

const lostMessage = (facts: ChangelogFacts, what: string): string =>
  `the changelog ${facts.topic}-${facts.partition} of store '${facts.store}' does not fit the local state: ${what}. ` +
  `Input offsets are committed, so the local rows may be the only copy. Either bring the old topic back, ` +
  `or set onOffsetLost: 'reset' to drop the local rows and restore what the changelog holds`
