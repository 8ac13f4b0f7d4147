// Heartbeat (12): keeps a member in its group.
import { api } from '../api.js'
import { int16, int32, nullableString, string } from '../schema.js'

export const heartbeat = api({
  name: 'Heartbeat',
  key: 12,
  minVersion: 1,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ from: 3, or: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
})
