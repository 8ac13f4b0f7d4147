// The protocol's error codes that we act on, and what each lets the caller do.
import { KafkaError, type KafkaErrorKind } from './client.js'

/** Error codes by name; the broker's guide has the full list. */
export const ErrorCode = {
  unknown: -1,
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  brokerNotAvailable: 8,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  networkException: 13,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  offsetMetadataTooLarge: 12,
  invalidTopic: 17,
  recordListTooLarge: 18,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  illegalGeneration: 22,
  inconsistentGroupProtocol: 23,
  invalidGroupId: 24,
  unknownMemberId: 25,
  invalidSessionTimeout: 26,
  rebalanceInProgress: 27,
  topicAuthorizationFailed: 29,
  groupAuthorizationFailed: 30,
  clusterAuthorizationFailed: 31,
  invalidTimestamp: 32,
  unsupportedSaslMechanism: 33,
  illegalSaslState: 34,
  unsupportedVersion: 35,
  topicAlreadyExists: 36,
  invalidPartitions: 37,
  invalidReplicationFactor: 38,
  invalidConfig: 40,
  notController: 41,
  invalidRequest: 42,
  policyViolation: 44,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  invalidProducerIdMapping: 49,
  invalidTransactionTimeout: 50,
  concurrentTransactions: 51,
  transactionalIdAuthorizationFailed: 53,
  operationNotAttempted: 55,
  storageError: 56,
  saslAuthenticationFailed: 58,
  unknownProducerId: 59,
  listenerNotFound: 72,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  memberIdRequired: 79,
  preferredLeaderNotAvailable: 80,
  groupMaxSizeReached: 81,
  fencedInstanceId: 82,
  eligibleLeadersNotAvailable: 83,
  invalidRecord: 87,
  unstableOffsetCommit: 88,
  throttlingQuotaExceeded: 89,
  producerFenced: 90,
  unknownTopicId: 100,
  fencedMemberEpoch: 110,
  staleMemberEpoch: 113,
  transactionAbortable: 120,
} as const

const names = new Map<number, string>(
  Object.entries(ErrorCode).map(([name, code]) => [
    code,
    name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
  ]),
)

/** The protocol's name of a code, such as `NOT_COORDINATOR`. */
export const errorName = (code: number): string => names.get(code) ?? `ERROR_${code}`

const retriable = new Set<number>([
  2, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 27, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 88, 89,
  100, 103, 106,
])
const fenced = new Set<number>([22, 25, 47, 82, 90, 110, 113])
const authorization = new Set<number>([29, 30, 31, 33, 34, 53, 54, 58])
// -1 is UNKNOWN_SERVER_ERROR: the broker stumbled, as a frozen one does when it goes on. What was asked
// for may have happened or not, so the way out is that of a failed transaction.
const abortable = new Set<number>([-1, 45, 49, 59, 120])

/** What a caller can do about a code, where no request has reasons of its own. */
export const errorKind = (code: number): KafkaErrorKind => {
  if (retriable.has(code)) return 'retriable'
  if (fenced.has(code)) return 'fenced'
  if (authorization.has(code)) return 'authorization'
  if (abortable.has(code)) return 'abortable'
  if (code === ErrorCode.messageTooLarge || code === ErrorCode.recordListTooLarge) return 'tooLarge'
  if (code === ErrorCode.unknownTopicOrPartition) return 'unknownTopic'
  return 'fatal'
}

/** Whether trying again may help, for topics that were just made too. */
export const isRetriableCode = (code: number): boolean =>
  retriable.has(code) || code === ErrorCode.unknownTopicOrPartition

/** Whether the coordinator has to be looked up again. */
export const isCoordinatorCode = (code: number): boolean => code >= 14 && code <= 16

/** An answer's error. `what` says what was asked of whom, such as `InitProducerId of app-1`. */
export const answerError = (
  what: string,
  code: number,
  kind: KafkaErrorKind = errorKind(code),
  detail?: string | null,
): KafkaError =>
  new KafkaError(
    `${what} failed: ${errorName(code)} (${code})${detail ? `, ${detail}` : ''}`,
    kind,
    code,
  )

/** A failure that is not an answer: no connection, no answer in time. */
export const connectionError = (message: string, cause?: unknown): KafkaError =>
  new KafkaError(message, 'retriable', -1, cause === undefined ? {} : { cause })

/** Whether the failure came from the connection, not from a broker's answer. */
export const isConnectionError = (error: unknown): boolean =>
  error instanceof KafkaError && error.kind === 'retriable' && error.errorCode === -1

/** Narrows what was thrown; anything foreign becomes a fatal error with its cause. */
export const toKafkaError = (error: unknown): KafkaError =>
  error instanceof KafkaError
    ? error
    : new KafkaError(error instanceof Error ? error.message : String(error), 'fatal', -1, {
        cause: error,
      })
