// Which topics a test driver has, and how many partitions: those that the topology names, and those
// that match its patterns once somebody writes them.
import type { TopicPartition } from '../kafka/client.js'
import {
  checkOnePattern,
  resolvePartitions,
  taskCount,
  type PartitionCounts,
} from '../runtime/internal-topics.js'
import type { TopicNames } from '../runtime/task-environment.js'
import type { FrozenTopology, SourceNode, Subtopology } from '../topology/topology-node.js'

export class DriverTopics {
  /** The inputs of global stores. */
  readonly global: ReadonlySet<string>
  readonly #topology: FrozenTopology
  readonly #names: TopicNames
  readonly #partitions: number | undefined
  readonly #matched = new Set<string>()
  /** Of the topics that are read or are changelogs, as far as they can be known. */
  #counts: PartitionCounts

  /** @throws TopologyError for topics that are not co-partitioned */
  constructor(topology: FrozenTopology, names: TopicNames, partitions: number | undefined) {
    this.#topology = topology
    this.#names = names
    this.#partitions = partitions
    this.global = new Set(
      topology.globalStores.flatMap(({ source }) => source.topics as readonly string[]),
    )
    this.#counts = this.#resolved()
  }

  /** All whose names are known. */
  get inputs(): readonly string[] {
    const own = this.#topology.subtopologies.flatMap((part) => this.readBy(part))
    return [...new Set([...own, ...this.global])]
  }

  /** Whether somebody reads a topic. */
  isInput(topic: string): boolean {
    return this.inputs.includes(topic) || this.#isPattern(topic)
  }

  /** Whether a topic matches a pattern and was not known before. */
  isNew(topic: string): boolean {
    return !this.#matched.has(topic) && this.#isPattern(topic)
  }

  /** @throws TopologyError for a topic that matches two patterns, or one that is not co-partitioned */
  add(topic: string): void {
    checkOnePattern(this.#topology, topic)
    this.#matched.add(topic)
    this.#counts = this.#resolved()
  }

  /** The topics that a subtopology reads. */
  readBy(part: Subtopology): string[] {
    return sourcesOf(part).flatMap(({ topics }) =>
      topics instanceof RegExp
        ? [...this.#matched].filter((topic) => topics.test(topic))
        : topics.map((topic) => this.#names.topic(topic)),
    )
  }

  /** How many partitions a topic has: 1 unless the driver is partitioned. */
  count(topic: string): number {
    return this.#partitions === undefined ? 1 : (this.#counts.get(topic) ?? this.#partitions)
  }

  partitionsOf(topic: string): TopicPartition[] {
    return Array.from({ length: this.count(topic) }, (_, partition) => ({ topic, partition }))
  }

  #isPattern(topic: string): boolean {
    return this.#patterns.some((pattern) => pattern.test(topic))
  }

  get #patterns(): RegExp[] {
    return this.#topology.subtopologies
      .flatMap(sourcesOf)
      .map(({ topics }) => topics)
      .filter((topics) => topics instanceof RegExp)
  }

  /** As an application finds them, once every pattern has a topic to begin with. */
  #resolved(): PartitionCounts {
    const partitions = this.#partitions
    if (partitions === undefined) return new Map()
    const { subtopologies, repartitionTopics } = this.#topology
    const matched = [...this.#matched]
    if (!this.#patterns.every((pattern) => matched.some((topic) => pattern.test(topic))))
      return new Map(
        repartitionTopics.map((topic) => [
          this.#names.topic(topic.name),
          topic.partitions ?? partitions,
        ]),
      )
    const internal = new Set(repartitionTopics.map(({ name }) => this.#names.topic(name)))
    const given = this.inputs.filter((topic) => !internal.has(topic))
    const counts = resolvePartitions(
      this.#topology,
      this.#names,
      new Map(given.map((topic) => [topic, partitions])),
    )
    for (const part of subtopologies)
      for (const { name } of part.stores)
        if (!this.#names.hasSourceChangelog(name))
          counts.set(this.#names.changelog(name), taskCount(part, this.#names, counts))
    return counts
  }
}

const sourcesOf = (part: Subtopology): SourceNode[] =>
  part.nodes.filter((node): node is SourceNode => node.kind === 'source')
