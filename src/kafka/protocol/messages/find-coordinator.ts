// FindCoordinator (10): which broker coordinates a group (key type 0) or a transactional id (1).
import { api } from '../api.js'
import { int16, int32, int8, nullableString, string } from '../schema.js'

export const findCoordinator = api({
  name: 'FindCoordinator',
  key: 10,
  minVersion: 1,
  maxVersion: 3,
  flexibleFrom: 3,
  request: {
    key: string(),
    keyType: int8({ or: 0 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    nodeId: int32(),
    host: string(),
    port: int32(),
  },
})
