// What the codes of a Produce answer mean beyond their kind.
import { ErrorCode } from './error-codes.js'

/** What the broker says about the batch and about the first record that it refuses. */
export const detailOf = (part: {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly recordErrors: readonly { readonly batchIndexErrorMessage: string | null }[]
}): string | null => {
  if (part.errorCode === ErrorCode.messageTooLarge)
    return 'raise max.message.bytes of the topic, or send smaller records'
  const said = [part.errorMessage, part.recordErrors[0]?.batchIndexErrorMessage]
  return said.filter((text) => text).join(' ') || null
}

const leaderCodes = new Set<number>([3, 5, 6, 8, 9, 56, 72, 74, 75, 100])
/** Whether another broker may lead the partition now. */
export const movesLeader = (code: number): boolean => leaderCodes.has(code)
