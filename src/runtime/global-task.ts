// The global stores of an application as one task: it reads every partition of their topics, logs
// and forwards nothing, and is not part of any group or transaction.
import type { TopicPartition } from '../kafka/client.js'
import type { FrozenTopology, SourceNode } from '../topology/topology-node.js'
import { StreamTask } from './stream-task.js'
import type { TaskEnvironment } from './task-environment.js'
import type { TaskDatabases } from './task-stores.js'

/** The id of the task that keeps global stores. */
export const globalTaskId = 'global'

/** Records keep their own times, as when they are restored: no extractor is asked, as in Kafka Streams. */
const withOwnTimes = (source: SourceNode): SourceNode => ({ ...source, timestamp: undefined })

/**
 * The task of the global stores; its `stores` are what `TaskEnvironment.globalStores` of the other
 * tasks holds. Records are added and processed as with any task, in no relation to other tasks.
 */
export const globalTask = (
  topology: FrozenTopology,
  environment: TaskEnvironment,
  databases: TaskDatabases,
  sources: readonly TopicPartition[],
): StreamTask =>
  new StreamTask({
    taskId: globalTaskId,
    partition: 0,
    subtopology: {
      id: -1,
      nodes: topology.globalStores.flatMap((g) => [withOwnTimes(g.source), g.processor]),
      stores: topology.globalStores.map((g) => g.store),
    },
    environment: { ...environment, maxTaskIdleMs: -1, deadLetterTopic: undefined },
    databases,
    sources,
    logsStores: false,
  })
