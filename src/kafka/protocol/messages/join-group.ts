// JoinGroup (11): enters a group; held by the broker until all members have joined.
import { api } from '../api.js'
import { bool, bytes, int16, int32, list, nullableString, string } from '../schema.js'

export const joinGroup = api({
  name: 'JoinGroup',
  key: 11,
  minVersion: 2,
  maxVersion: 9,
  flexibleFrom: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ or: -1 }),
    memberId: string(),
    groupInstanceId: nullableString({ from: 5, or: null }),
    protocolType: string(),
    protocols: list({
      name: string(),
      metadata: bytes(),
    }),
    reason: nullableString({ from: 8, or: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    generationId: int32({ or: -1 }),
    protocolType: nullableString({ from: 7, or: null }),
    protocolName: nullableString(),
    leader: string(),
    skipAssignment: bool({ from: 9, or: false }),
    memberId: string(),
    members: list({
      memberId: string(),
      groupInstanceId: nullableString({ from: 5, or: null }),
      metadata: bytes(),
    }),
  },
})
