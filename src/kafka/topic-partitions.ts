// How many partitions a topic has, as a producer asks before it sends.
import type { Cluster } from './cluster.js'
import { answerError, ErrorCode, errorKind, isRetriableCode } from './error-codes.js'
import { retry, type Lifetime } from './lifetime.js'

/** A topic that was just made may not be known everywhere. */
const newTopicMs = 2000

/** @throws KafkaError of kind `unknownTopic` when the topic does not exist. */
export async function partitionCount(
  cluster: Cluster,
  lifetime: Lifetime,
  topic: string,
  timeoutMs: number,
): Promise<number> {
  const known = cluster.topic(topic)
  if (known && known.errorCode === ErrorCode.none && known.partitions.length > 0)
    return known.partitions.length
  const { clock } = lifetime
  const missingUntilMs = clock.nowMs() + newTopicMs
  return retry(
    lifetime,
    {
      timeoutMs,
      firstMs: 50,
      maxMs: 500,
      again: (error) =>
        error.kind === 'retriable' ||
        (error.kind === 'unknownTopic' && clock.nowMs() < missingUntilMs),
    },
    async () => {
      await cluster.refresh([topic])
      const found = cluster.topic(topic)
      const code = found?.errorCode ?? ErrorCode.unknownTopicOrPartition
      if (found && found.partitions.length > 0 && (code === 0 || isRetriableCode(code)))
        return found.partitions.length
      throw answerError(
        `Metadata of ${topic}`,
        code || ErrorCode.leaderNotAvailable,
        errorKind(code || ErrorCode.leaderNotAvailable),
        code === ErrorCode.unknownTopicOrPartition ? 'create the topic' : null,
      )
    },
  )
}
