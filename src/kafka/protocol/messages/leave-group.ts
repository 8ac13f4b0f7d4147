// LeaveGroup (13): takes members out of a group.
import { api } from '../api.js'
import { int16, int32, list, nullableString, string } from '../schema.js'

export const leaveGroup = api({
  name: 'LeaveGroup',
  key: 13,
  minVersion: 1,
  maxVersion: 5,
  flexibleFrom: 4,
  request: {
    groupId: string(),
    memberId: string({ to: 2 }),
    members: list(
      {
        memberId: string({ from: 3 }),
        groupInstanceId: nullableString({ from: 3, or: null }),
        reason: nullableString({ from: 5, or: null }),
      },
      { from: 3 },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    members: list(
      {
        memberId: string({ from: 3 }),
        groupInstanceId: nullableString({ from: 3 }),
        errorCode: int16({ from: 3 }),
      },
      { from: 3 },
    ),
  },
})
