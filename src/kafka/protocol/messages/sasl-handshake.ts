// SaslHandshake (17): chooses the SASL mechanism.
import { api, neverFlexible } from '../api.js'
import { int16, listOf, string } from '../schema.js'

export const saslHandshake = api({
  name: 'SaslHandshake',
  key: 17,
  minVersion: 1,
  maxVersion: 1,
  flexibleFrom: neverFlexible,
  request: {
    mechanism: string(),
  },
  response: {
    errorCode: int16(),
    mechanisms: listOf(string()),
  },
})
