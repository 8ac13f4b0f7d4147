// Authenticates a connection: the mechanism is kafkajs's (or the user's own in its form), the bytes
// travel in our SaslAuthenticate requests.
import type { Logger } from '../logger.js'
import { KafkaError } from './client.js'
import { answerError, ErrorCode } from './error-codes.js'
import { saslAuthenticator, type SaslOptions } from './kafkajs-bridge.js'
import type { Api, ResponseBody } from './protocol/api.js'
import { saslAuthenticate } from './protocol/messages/sasl-authenticate.js'
import { saslHandshake } from './protocol/messages/sasl-handshake.js'
import type { Body, Shape } from './protocol/schema.js'

/** Sends over the connection that is being authenticated, past everything that waits. */
export type SaslSend = <Q extends Shape, R extends Shape>(
  api: Api<Q, R>,
  body: Body<Q>,
) => Promise<ResponseBody<Api<Q, R>>>

/** The longest delay a timer can hold. */
const maxDelayMs = 2 ** 31 - 1
const earlier = 0.85

/** When to authenticate again, well before a session of `lifetimeMs` ends. */
export const reauthenticationDelayMs = (lifetimeMs: number): number =>
  Math.min(maxDelayMs, Math.max(1000, Math.floor(lifetimeMs * earlier)))

/**
 * Runs one exchange and gives the session's lifetime in ms, 0 for no end.
 * @throws KafkaError of kind `authorization` when the broker refuses; messages hold no credential.
 */
export async function authenticate(
  sasl: SaslOptions,
  address: { readonly host: string; readonly port: number },
  logger: Logger,
  send: SaslSend,
): Promise<number> {
  const mechanism = sasl.mechanism.toUpperCase()
  const broker = `${address.host}:${address.port}`
  const handshake = await send(saslHandshake, { mechanism })
  if (handshake.errorCode !== ErrorCode.none)
    throw answerError(
      `SASL ${mechanism} at ${broker}`,
      handshake.errorCode,
      'authorization',
      `the broker offers ${handshake.mechanisms.join(', ') || 'nothing'}`,
    )
  let lifetimeMs = 0
  // Mechanisms wrap what their exchange throws, so the reason is kept here.
  let failure: unknown
  const exchange = async (bytes: Uint8Array): Promise<Uint8Array> => {
    try {
      const answer = await send(saslAuthenticate, { authBytes: bytes })
      if (answer.errorCode !== ErrorCode.none)
        throw answerError(
          `SASL ${mechanism} at ${broker}`,
          answer.errorCode,
          'authorization',
          answer.errorMessage,
        )
      lifetimeMs = answer.sessionLifetimeMs
      return answer.authBytes
    } catch (error) {
      failure = error
      throw error
    }
  }
  try {
    await saslAuthenticator(sasl, address, logger, exchange)
  } catch (error) {
    if (failure !== undefined) throw failure
    throw new KafkaError(
      `SASL ${mechanism} at ${broker} failed: ${error instanceof Error ? error.message : 'unknown'}`,
      'authorization',
      ErrorCode.saslAuthenticationFailed,
      { cause: error },
    )
  }
  return lifetimeMs
}
