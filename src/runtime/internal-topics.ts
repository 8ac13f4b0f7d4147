// Repartition topics and changelogs: how many partitions each needs, how they are configured, and
// that those which exist fit. Runs on the leader of the group while it assigns tasks.
import { MissingTopicError, TopologyError } from '../errors.js'
import type { Admin, NewTopic } from '../kafka/client.js'
import type { Logger } from '../logger.js'
import type { StoreSpec } from '../state/state-store.js'
import type { FrozenTopology, Subtopology } from '../topology/topology-node.js'
import type { TopicNames } from './task-environment.js'

const dayMs = 86_400_000

/** How many partitions each topic has that a topology reads or keeps, by its name in the log. */
export type PartitionCounts = ReadonlyMap<string, number>

/** What preparing internal topics needs. */
export interface InternalTopicOptions {
  readonly topology: FrozenTopology
  readonly names: TopicNames
  readonly admin: Admin
  /** -1: the log's default. */
  readonly replicationFactor: number
  /** Topic configs of the user's, below those of a store. */
  readonly topicConfig: Readonly<Record<string, string>>
  readonly logger: Logger
}

/**
 * Resolves, creates and checks all internal topics; gives the partitions of every topic read.
 * @throws MissingTopicError for source topics that do not exist and internal ones that do not fit
 * @throws TopologyError for topics that are not co-partitioned
 */
export async function prepareInternalTopics(
  options: InternalTopicOptions,
): Promise<PartitionCounts> {
  const { topology, names, admin } = options
  const sources = await existingSources(options)
  const counts = resolvePartitions(topology, names, sources)
  const wanted: NewTopic[] = []
  for (const { name } of topology.repartitionTopics)
    wanted.push(
      newTopic(options, names.topic(name), counts.get(names.topic(name))!, repartitionConfig),
    )
  for (const subtopology of topology.subtopologies) {
    const tasks = taskCount(subtopology, names, counts)
    // None while no topic matches its pattern: changelogs are made when one does.
    if (tasks === 0) continue
    for (const store of subtopology.stores)
      if (store.logging !== false && !names.hasSourceChangelog(store.name))
        wanted.push(newTopic(options, names.changelog(store.name), tasks, changelogConfig(store)))
  }
  const found = await admin.describeTopics(wanted.map((t) => t.name))
  const missing = wanted.filter((t) => !found.has(t.name))
  for (const topic of wanted) {
    const actual = found.get(topic.name)?.partitions
    if (actual !== undefined && actual !== topic.partitions)
      throw new MissingTopicError(
        `Existing internal topic ${topic.name} has invalid partitions: expected: ${topic.partitions}; actual: ${actual}. ` +
          'The topology or its source topics changed: reset the application, or run the new topology under another applicationId.',
      )
  }
  if (missing.length > 0) {
    await admin.createTopics(missing)
    for (const { name, partitions } of missing)
      options.logger.info({ topic: name, partitions }, 'created an internal topic')
    await checkCreated(admin, missing)
  }
  return counts
}

/** The source topics of a subtopology by their names in the log; patterns match what exists. */
export function sourceTopics(
  subtopology: Pick<Subtopology, 'nodes'>,
  names: TopicNames,
  existing: Iterable<string>,
): string[] {
  const topics: string[] = []
  for (const node of subtopology.nodes) {
    if (node.kind !== 'source') continue
    if (node.topics instanceof RegExp) {
      for (const topic of existing)
        if (names.matchesPattern(topic) && node.topics.test(topic)) topics.push(topic)
    } else for (const topic of node.topics) topics.push(names.topic(topic))
  }
  return topics
}

/** @throws TopologyError for a topic that matches the patterns of two sources: each would read it */
export function checkOnePattern(topology: FrozenTopology, topic: string): void {
  const [first, second] = topology.subtopologies
    .flatMap((s) => s.nodes)
    .filter((n) => n.kind === 'source' && n.topics instanceof RegExp && n.topics.test(topic))
  if (first !== undefined && second !== undefined)
    throw new TopologyError(
      `topic ${topic} matches the patterns of ${first.name} and ${second.name}: change them so that one of them reads it`,
      { node: second.name },
    )
}

/** The topics that exist and match the pattern of a source. */
export async function matchingTopics(
  topology: FrozenTopology,
  names: TopicNames,
  admin: Admin,
): Promise<string[]> {
  const existing = await admin.listTopics()
  const nodes = topology.subtopologies
    .flatMap((s) => s.nodes)
    .filter((n) => n.kind === 'source' && n.topics instanceof RegExp)
  return nodes.length === 0 ? [] : sourceTopics({ nodes }, names, existing)
}

/** Whether any source reads what matches a pattern. */
export const hasPatterns = (topology: FrozenTopology): boolean =>
  topology.subtopologies.some((s) =>
    s.nodes.some((n) => n.kind === 'source' && n.topics instanceof RegExp),
  )

/** Tasks of a subtopology: as many as its largest source topic has partitions. */
export const taskCount = (
  subtopology: Subtopology,
  names: TopicNames,
  counts: PartitionCounts,
): number =>
  Math.max(0, ...sourceTopics(subtopology, names, counts.keys()).map((t) => counts.get(t) ?? 0))

/** Partition counts of repartition topics from those of the sources upstream, then co-partitioning. */
export function resolvePartitions(
  topology: FrozenTopology,
  names: TopicNames,
  sources: PartitionCounts,
): Map<string, number> {
  const counts = new Map(sources)
  const enforced = new Map<string, number>()
  for (const { name, partitions } of topology.repartitionTopics)
    if (partitions !== undefined) enforced.set(names.topic(name), partitions)
  for (const [topic, partitions] of enforced) counts.set(topic, partitions)
  const open = new Set(
    topology.repartitionTopics.map((t) => names.topic(t.name)).filter((t) => !enforced.has(t)),
  )
  // A repartition topic may be fed by another one, so this goes round until nothing changes;
  // co-partitioning comes after and has the last word.
  while (resolveOnce(topology, names, counts, open)) continue
  for (let round = 0; round <= topology.copartitionGroups.length; round++)
    for (const group of topology.copartitionGroups) enforceGroup(group, names, counts, enforced)
  for (const topic of open)
    if (!counts.has(topic))
      throw new TopologyError(
        `the number of partitions of ${topic} cannot be found: no source topic leads to it${hasPatterns(topology) ? '; each pattern before it must match a topic' : ''}`,
      )
  return counts
}

function resolveOnce(
  topology: FrozenTopology,
  names: TopicNames,
  counts: Map<string, number>,
  open: ReadonlySet<string>,
): boolean {
  let changed = false
  for (const subtopology of topology.subtopologies) {
    const inputs = sourceTopics(subtopology, names, counts.keys())
    // Known sources decide; unknown ones are resolved in a later round.
    const most = Math.max(0, ...inputs.map((t) => counts.get(t) ?? 0))
    if (most === 0) continue
    for (const node of subtopology.nodes) {
      if (node.kind !== 'sink' || typeof node.topic !== 'string') continue
      const topic = names.topic(node.topic)
      if (open.has(topic) && (counts.get(topic) ?? 0) < most) {
        counts.set(topic, most)
        changed = true
      }
    }
  }
  return changed
}

function enforceGroup(
  sources: FrozenTopology['copartitionGroups'][number],
  names: TopicNames,
  counts: Map<string, number>,
  enforced: ReadonlyMap<string, number>,
): void {
  const group = sources.flatMap((source) =>
    source instanceof RegExp
      ? [...counts.keys()].filter((topic) => names.matchesPattern(topic) && source.test(topic))
      : [source],
  )
  const topics = group.map((t) => names.topic(t))
  const external = topics.filter((t, n) => !names.isInternal(group[n]!))
  const internal = topics.filter((t, n) => names.isInternal(group[n]!))
  const listed = (some: readonly string[]): string =>
    some.map((t) => `${t}=${counts.get(t)}`).join(', ')
  let wanted: number | undefined
  if (external.length > 0) {
    wanted = counts.get(external[0]!)
    if (external.some((t) => counts.get(t) !== wanted))
      throw new TopologyError(
        `Topics not co-partitioned: [{${listed(external)}}]; topics that are joined must have the same number of partitions: repartition() one of the streams`,
      )
    for (const topic of internal)
      if (enforced.has(topic) && enforced.get(topic) !== wanted)
        throw new TopologyError(
          `Number of partitions [${enforced.get(topic)}] of repartition topic [${topic}] doesn't match number of partitions [${wanted}] of the source topic.`,
        )
  } else {
    const given = internal.filter((t) => enforced.has(t))
    if (given.some((t) => enforced.get(t) !== enforced.get(given[0]!)))
      throw new TopologyError(
        `Following topics do not have the same number of partitions: [{${listed(given)}}]`,
      )
    wanted =
      given.length > 0
        ? enforced.get(given[0]!)
        : Math.max(0, ...internal.map((t) => counts.get(t) ?? 0)) || undefined
  }
  if (wanted === undefined) return
  for (const topic of internal) if (!enforced.has(topic)) counts.set(topic, wanted)
}

async function existingSources(options: InternalTopicOptions): Promise<Map<string, number>> {
  const { topology, names, admin } = options
  const wanted = new Set<string>()
  let patterns = false
  const nodes = [
    ...topology.subtopologies.flatMap((s) => s.nodes),
    ...topology.globalStores.map((g) => g.source),
  ]
  for (const node of nodes) {
    if (node.kind !== 'source') continue
    if (node.topics instanceof RegExp) patterns = true
    else for (const topic of node.topics) if (!names.isInternal(topic)) wanted.add(topic)
  }
  if (patterns)
    for (const topic of await matchingTopics(topology, names, admin)) {
      checkOnePattern(topology, topic)
      wanted.add(topic)
    }
  const found = await admin.describeTopics([...wanted])
  const missing = [...wanted].filter((t) => !found.has(t))
  if (missing.length > 0)
    throw new MissingTopicError(
      `${missing.length === 1 ? 'source topic' : 'source topics'} ${missing.join(', ')} ${missing.length === 1 ? 'does' : 'do'} not exist; create what is missing and start again`,
    )
  return new Map([...found].map(([topic, { partitions }]) => [topic, partitions]))
}

const repartitionConfig = {
  'cleanup.policy': 'delete',
  'segment.bytes': '52428800',
  'retention.ms': '-1',
}

/** The configs of a store's changelog, those given per store included. */
export function changelogConfig(store: StoreSpec): Record<string, string> {
  const retentionMs = String((store.retentionMs ?? 0) + dayMs)
  const byKind: Record<StoreSpec['changelog'], Record<string, string>> = {
    keyValue: { 'cleanup.policy': 'compact' },
    buffer: { 'cleanup.policy': 'compact' },
    window: { 'cleanup.policy': 'compact,delete', 'retention.ms': retentionMs },
    session: { 'cleanup.policy': 'compact,delete', 'retention.ms': retentionMs },
    joinWindow: { 'cleanup.policy': 'delete', 'retention.ms': retentionMs },
    versioned: { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': retentionMs },
  }
  return { ...byKind[store.changelog], ...(store.logging === false ? {} : store.logging) }
}

const newTopic = (
  options: InternalTopicOptions,
  name: string,
  partitions: number,
  configs: Readonly<Record<string, string>>,
): NewTopic => ({
  name,
  partitions,
  replicationFactor: options.replicationFactor,
  configs: { 'message.timestamp.type': 'CreateTime', ...options.topicConfig, ...configs },
})

/** Somebody else may have created them meanwhile, with another number of partitions. */
async function checkCreated(admin: Admin, topics: readonly NewTopic[]): Promise<void> {
  const found = await admin.describeTopics(topics.map((t) => t.name))
  for (const topic of topics) {
    const actual = found.get(topic.name)?.partitions
    if (actual !== undefined && actual !== topic.partitions)
      throw new MissingTopicError(
        `Existing internal topic ${topic.name} has invalid partitions: expected: ${topic.partitions}; actual: ${actual}.`,
      )
  }
}
