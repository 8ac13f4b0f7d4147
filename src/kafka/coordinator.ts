// Asks the coordinator of a group or of a transactional id, looks it up again when it moved, and
// repeats what may be repeated.
import type { Cluster, CoordinatorKind, Role } from './cluster.js'
import type { SendOptions } from './connection.js'
import { answerError, ErrorCode, isConnectionError, isCoordinatorCode } from './error-codes.js'
import { retry, type Lifetime, type RetryOptions } from './lifetime.js'
import type { Api, ResponseBody } from './protocol/api.js'
import type { Body, Shape } from './protocol/schema.js'

export interface CoordinatorCall extends RetryOptions {
  readonly kind: CoordinatorKind
  readonly key: string
  readonly role?: Role
  readonly send?: SendOptions
}

/**
 * Sends to the coordinator until the answer's code is 0.
 * @throws KafkaError with the last code.
 */
export function askCoordinator<Q extends Shape, R extends Shape>(
  cluster: Cluster,
  lifetime: Lifetime,
  call: CoordinatorCall,
  api: Api<Q, R>,
  body: Body<Q>,
  codeOf: (answer: ResponseBody<Api<Q, R>>) => number,
): Promise<ResponseBody<Api<Q, R>>> {
  const { kind, key, role = 'control' } = call
  return retry(lifetime, call, async () => {
    const nodeId = await cluster.coordinator(kind, key)
    try {
      const answer = await cluster.send(nodeId, role, api, body, call.send)
      const code = codeOf(answer)
      if (code === ErrorCode.none) return answer
      if (isCoordinatorCode(code)) cluster.forgetCoordinator(kind, key)
      throw answerError(`${api.name} of ${key}`, code)
    } catch (error) {
      if (isConnectionError(error)) cluster.forgetCoordinator(kind, key)
      throw error
    }
  })
}
