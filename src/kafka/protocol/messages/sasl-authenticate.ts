// SaslAuthenticate (36): one step of a SASL exchange.
import { api } from '../api.js'
import { bytes, int16, int64, nullableString } from '../schema.js'

export const saslAuthenticate = api({
  name: 'SaslAuthenticate',
  key: 36,
  minVersion: 0,
  maxVersion: 2,
  flexibleFrom: 2,
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: nullableString(),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ from: 1, or: 0 }),
  },
})
