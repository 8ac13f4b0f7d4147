// Metadata (3): brokers, and the leaders of partitions.
import { api } from '../api.js'
import {
  bool,
  int16,
  int32,
  list,
  listOf,
  noUuid,
  nullableString,
  optionalList,
  string,
  uuid,
} from '../schema.js'

export const metadata = api({
  name: 'Metadata',
  key: 3,
  minVersion: 4,
  maxVersion: 12,
  flexibleFrom: 9,
  request: {
    topics: optionalList({
      topicId: uuid({ from: 10, or: noUuid }),
      name: nullableString(),
    }),
    allowAutoTopicCreation: bool({ or: true }),
    includeClusterAuthorizedOperations: bool({ from: 8, to: 10, or: false }),
    includeTopicAuthorizedOperations: bool({ from: 8, or: false }),
  },
  response: {
    throttleTimeMs: int32(),
    brokers: list({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({ or: null }),
    }),
    clusterId: nullableString({ or: null }),
    controllerId: int32({ or: -1 }),
    topics: list({
      errorCode: int16(),
      name: nullableString(),
      topicId: uuid({ from: 10 }),
      isInternal: bool({ or: false }),
      partitions: list({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ from: 7, or: -1 }),
        replicaNodes: listOf(int32()),
        isrNodes: listOf(int32()),
        offlineReplicas: listOf(int32(), { from: 5 }),
      }),
      topicAuthorizedOperations: int32({ from: 8, or: -2147483648 }),
    }),
    clusterAuthorizedOperations: int32({ from: 8, to: 10, or: -2147483648 }),
  },
})
