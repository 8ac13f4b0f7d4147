// Where reading of an input partition starts. A lost offset stops the task rather than counting
// everything twice; what a retention deleted is skipped with a warning.
import { OffsetLostError } from '../errors.js'
import type { TopicPartition } from '../kafka/client.js'

/** What is known of an input partition when reading starts. */
export interface StartFacts extends TopicPartition {
  /** The group's committed offset. */
  readonly committed: number | undefined
  /** The committed offset that was stored with the task's rows at the last persist. */
  readonly persisted: number | undefined
  readonly earliest: number
  readonly latest: number
  readonly reset: 'earliest' | 'latest' | 'none'
  readonly onOffsetLost: 'fail' | 'reset'
  /** Why an uncommitted offset must have been committed once, such as records in a changelog. */
  readonly evidence: string | undefined
  /** Whether such evidence stops the task; else it is a warning. */
  readonly evidenceStops: boolean
}

/** Where to start, and what to warn about. */
export interface StartOffset {
  readonly offset: number
  readonly warning?: string
  /** Records that are skipped because the log does not have them any more. */
  readonly skipped?: number
}

/** @throws OffsetLostError when reading from anywhere would count twice or lose records unasked */
export function startOffset(facts: StartFacts): StartOffset {
  const { committed, earliest, latest } = facts
  const name = `${facts.topic}-${facts.partition}`
  const range = `the log holds ${earliest} to ${latest}`
  const fresh = facts.reset === 'latest' ? latest : earliest
  if (committed === undefined) return withoutCommitted(facts, name, range, fresh)
  if (committed > latest) {
    const what = `the committed offset ${committed} of ${name} lies beyond the log: ${range}; was the topic deleted and made anew?`
    if (facts.onOffsetLost === 'fail') throw lost(`${what} ${remedies(name)}`, facts)
    return { offset: fresh, warning: what }
  }
  if (committed >= earliest) return { offset: committed }
  const what = `the log has moved past the committed offset ${committed} of ${name}: ${range}`
  if (facts.reset === 'none')
    throw lost(
      `${what}, and its offsetReset is 'none'. Set it to 'earliest' or 'latest' to go on`,
      facts,
    )
  return {
    offset: fresh,
    skipped: fresh - committed,
    warning: `${what}; ${fresh - committed} offsets are skipped`,
  }
}

function withoutCommitted(
  facts: StartFacts,
  name: string,
  range: string,
  fresh: number,
): StartOffset {
  const evidence =
    facts.persisted !== undefined
      ? `the local state was written when offset ${facts.persisted} was committed`
      : facts.evidence
  const stops = facts.persisted !== undefined || facts.evidenceStops
  if (evidence !== undefined) {
    const what = `the committed offset of ${name} is lost (${evidence}; ${range})`
    if (stops && facts.onOffsetLost === 'fail') throw lost(`${what}. ${remedies(name)}`, facts)
    return { offset: fresh, warning: what }
  }
  if (facts.reset === 'none')
    throw lost(
      `${name} has no committed offset and its offsetReset is 'none' (${range}). Set it to 'earliest' or 'latest', or commit an offset`,
      facts,
    )
  return { offset: fresh }
}

const remedies = (name: string): string =>
  `Everything would be counted again: commit an offset for ${name} with the group tool, ` +
  `or set onOffsetLost: 'reset' to keep the stores and read from offsetReset`

const lost = (message: string, facts: StartFacts): OffsetLostError =>
  new OffsetLostError(message, {
    position: {
      topic: facts.topic,
      partition: facts.partition,
      offset: facts.committed ?? facts.persisted ?? -1,
    },
  })
