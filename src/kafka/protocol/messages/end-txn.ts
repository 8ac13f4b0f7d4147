// EndTxn (26): commits or aborts. Version 5 belongs to version 2 of transactions and bumps the
// epoch.
import { api } from '../api.js'
import { bool, int16, int32, int64, string } from '../schema.js'

export const endTxn = api({
  name: 'EndTxn',
  key: 26,
  minVersion: 0,
  maxVersion: 5,
  flexibleFrom: 3,
  request: {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ from: 5, or: -1 }),
    producerEpoch: int16({ from: 5, or: -1 }),
  },
})
