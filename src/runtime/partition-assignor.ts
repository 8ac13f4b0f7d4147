// Which member runs which task. Tasks stay where they are or where their state lies, as far as the
// load stays even; stateful tasks are spread before stateless ones. Cooperative: a partition that
// another member still holds is not handed out before that member gave it back.
import type { Assignment, Assignor, Subscription, TopicPartition } from '../kafka/client.js'
import { partitionKey } from '../kafka/client.js'
import type { FrozenTopology } from '../topology/topology-node.js'
import { compareTaskIds, taskIdText, type TaskId } from '../topology/task-id.js'
import { sourceTopics, taskCount, type PartitionCounts } from './internal-topics.js'
import type { TopicNames } from './task-environment.js'

/** A task with the partitions that it reads. */
export interface PlannedTask {
  readonly id: TaskId
  readonly stateful: boolean
  readonly partitions: readonly TopicPartition[]
}

/** What a member says of itself: version byte 1, then JSON. */
export interface MemberData {
  readonly processId: string
  /** Tasks whose state lies on this member's disk. */
  readonly stored: readonly string[]
}

const userDataVersion = 1

/** What a member is told beside its partitions: version byte 1, then JSON. */
export interface AssignmentData {
  readonly tasks: readonly string[]
  /** False when tasks wait for another member to give them back: another rebalance is due. */
  readonly complete: boolean
}

const encoded = (data: object): Uint8Array =>
  Buffer.concat([Buffer.of(userDataVersion), Buffer.from(JSON.stringify(data))])

/** The bytes that a member sends with its subscription. */
export const encodeMemberData = (data: MemberData): Uint8Array => encoded(data)

/** Whether another rebalance must follow this assignment. */
export function isIncomplete(assignment: Assignment): boolean {
  if (assignment.userData[0] !== userDataVersion) return false
  try {
    const text = Buffer.from(assignment.userData.subarray(1)).toString('utf8')
    return (JSON.parse(text) as Partial<AssignmentData>).complete === false
  } catch {
    return false
  }
}

/** Data of a newer version, or none, counts as an empty one: such a member still gets tasks. */
export function decodeMemberData(bytes: Uint8Array): MemberData {
  if (bytes[0] === userDataVersion) {
    try {
      const data = JSON.parse(
        Buffer.from(bytes.subarray(1)).toString('utf8'),
      ) as Partial<MemberData>
      return { processId: String(data.processId), stored: data.stored ?? [] }
    } catch {
      // Falls through to the empty one.
    }
  }
  return { processId: '', stored: [] }
}

/** All tasks of a topology over topics with these partitions. */
export function planTasks(
  topology: FrozenTopology,
  names: TopicNames,
  counts: PartitionCounts,
): PlannedTask[] {
  const tasks: PlannedTask[] = []
  for (const subtopology of topology.subtopologies) {
    const topics = sourceTopics(subtopology, names, counts.keys())
    const count = taskCount(subtopology, names, counts)
    for (let partition = 0; partition < count; partition++)
      tasks.push({
        id: { subtopology: subtopology.id, partition },
        stateful: subtopology.stores.length > 0,
        partitions: topics
          .filter((topic) => partition < (counts.get(topic) ?? 0))
          .map((topic) => ({ topic, partition })),
      })
  }
  return tasks.sort((a, b) => compareTaskIds(a.id, b.id))
}

interface Load {
  readonly memberId: string
  readonly owned: ReadonlySet<string>
  readonly stored: ReadonlySet<string>
  readonly tasks: PlannedTask[]
  stateful: number
}

/** The tasks of each member, even within one task, stateful ones even by themselves. */
export function assignTasks(
  tasks: readonly PlannedTask[],
  members: readonly Subscription[],
): Map<string, PlannedTask[]> {
  const loads = [...members]
    .sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map((member): Load => ({
      memberId: member.memberId,
      owned: new Set(member.ownedPartitions.map(partitionKey)),
      stored: new Set(decodeMemberData(member.userData).stored),
      tasks: [],
      stateful: 0,
    }))
  const stateful = tasks.filter((t) => t.stateful)
  const capacity = Math.ceil(stateful.length / loads.length)
  place(stateful, loads, (load) => load.stateful, capacity)
  const all = Math.ceil(tasks.length / loads.length)
  place(
    tasks.filter((t) => !t.stateful),
    loads,
    (load) => load.tasks.length,
    all,
  )
  return new Map(loads.map((load) => [load.memberId, load.tasks]))
}

function place(
  tasks: readonly PlannedTask[],
  loads: readonly Load[],
  loadOf: (load: Load) => number,
  capacity: number,
): void {
  const give = (task: PlannedTask, load: Load): void => {
    load.tasks.push(task)
    if (task.stateful) load.stateful++
  }
  const left: PlannedTask[] = []
  for (const task of tasks) {
    const keeper = loads.find((l) => loadOf(l) < capacity && owns(l, task))
    if (keeper === undefined) left.push(task)
    else give(task, keeper)
  }
  const rest: PlannedTask[] = []
  for (const task of left) {
    const id = taskIdText(task.id)
    const keeper = loads.find((l) => loadOf(l) < capacity && l.stored.has(id))
    if (keeper === undefined) rest.push(task)
    else give(task, keeper)
  }
  for (const task of rest) {
    let least = loads[0]!
    for (const load of loads)
      if (
        loadOf(load) < loadOf(least) ||
        (loadOf(load) === loadOf(least) && load.tasks.length < least.tasks.length)
      )
        least = load
    give(task, least)
  }
  // Filling to the capacity can leave one member short of its even share.
  for (;;) {
    let most = loads[0]!
    let least = loads[0]!
    for (const load of loads) {
      if (loadOf(load) > loadOf(most)) most = load
      if (loadOf(load) < loadOf(least)) least = load
    }
    if (loadOf(most) - loadOf(least) < 2) return
    const kind = tasks[0]?.stateful ?? false
    const at = most.tasks.findLastIndex((t) => t.stateful === kind)
    if (at < 0) return
    const [moved] = most.tasks.splice(at, 1)
    if (kind) most.stateful--
    give(moved!, least)
  }
}

const owns = (load: Load, task: PlannedTask): boolean =>
  task.partitions.length > 0 && task.partitions.every((p) => load.owned.has(partitionKey(p)))

/** What the assignor knows of its application. */
export interface PartitionAssignorOptions {
  readonly topology: FrozenTopology
  readonly names: TopicNames
  readonly memberData: () => MemberData
  /** Prepares internal topics and tells the partitions of all topics. */
  readonly prepare: () => Promise<PartitionCounts>
}

/** The assignor `millrace` of the group. */
export class PartitionAssignor implements Assignor {
  readonly name = 'millrace'
  readonly #options: PartitionAssignorOptions

  constructor(options: PartitionAssignorOptions) {
    this.#options = options
  }

  userData(): Uint8Array {
    return encodeMemberData(this.#options.memberData())
  }

  async assign(members: readonly Subscription[]): Promise<ReadonlyMap<string, Assignment>> {
    const { topology, names, prepare } = this.#options
    const tasks = planTasks(topology, names, await prepare())
    const holders = new Map<string, string>()
    for (const member of members)
      for (const partition of member.ownedPartitions)
        holders.set(partitionKey(partition), member.memberId)
    const assignments = new Map<string, Assignment>()
    const isFree = (task: PlannedTask, memberId: string): boolean =>
      task.partitions.every((p) => (holders.get(partitionKey(p)) ?? memberId) === memberId)
    const planned = assignTasks(tasks, members)
    const complete = [...planned].every(([id, list]) => list.every((task) => isFree(task, id)))
    for (const [memberId, list] of planned) {
      // A task whose partitions another member holds waits for the rebalance after the revocation.
      const free = list.filter((task) => isFree(task, memberId))
      const data: AssignmentData = { tasks: free.map((task) => taskIdText(task.id)), complete }
      assignments.set(memberId, {
        partitions: free.flatMap((task) => task.partitions),
        userData: encoded(data),
      })
    }
    return assignments
  }
}

/** The tasks that an assignment's partitions make up, with their partitions. */
export function tasksOf(
  partitions: readonly TopicPartition[],
  topology: FrozenTopology,
  names: TopicNames,
): Map<string, TopicPartition[]> {
  const tasks = new Map<string, TopicPartition[]>()
  for (const { topic, partition } of partitions) {
    const subtopology = topology.subtopologies.find((s) =>
      sourceTopics(s, names, [topic]).includes(topic),
    )
    if (subtopology === undefined) continue
    const id = taskIdText({ subtopology: subtopology.id, partition })
    const sources = tasks.get(id)
    if (sources === undefined) tasks.set(id, [{ topic, partition }])
    else sources.push({ topic, partition })
  }
  return tasks
}
