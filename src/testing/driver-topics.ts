// Which topics a test driver has, and how many partitions: those that the topology names, and those
// that match its patterns once somebody writes them.
import type { TopicPartition } from '../kafka/client.js'
import { checkOnePattern } from '../runtime/internal-topics.js'
import type { TopicNames } from '../runtime/task-environment.js'
import type { FrozenTopology, SourceNode, Subtopology } from '../topology/topology-node.js'

export class DriverTopics {
  /** The inputs of global stores. */
  readonly global: ReadonlySet<string>
  readonly #topology: FrozenTopology
  readonly #names: TopicNames
  readonly #partitions: number | undefined
  readonly #matched = new Set<string>()

  constructor(topology: FrozenTopology, names: TopicNames, partitions: number | undefined) {
    this.#topology = topology
    this.#names = names
    this.#partitions = partitions
    this.global = new Set(
      topology.globalStores.flatMap(({ source }) => source.topics as readonly string[]),
    )
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

  /** @throws TopologyError for a topic that matches two patterns */
  add(topic: string): void {
    checkOnePattern(this.#topology, topic)
    this.#matched.add(topic)
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
    if (this.#partitions === undefined) return 1
    const { repartitionTopics } = this.#topology
    const own = repartitionTopics.find(({ name }) => this.#names.topic(name) === topic)
    return own?.partitions ?? this.#partitions
  }

  partitionsOf(topic: string): TopicPartition[] {
    return Array.from({ length: this.count(topic) }, (_, partition) => ({ topic, partition }))
  }

  #isPattern(topic: string): boolean {
    return this.#topology.subtopologies
      .flatMap(sourcesOf)
      .some(({ topics }) => topics instanceof RegExp && topics.test(topic))
  }
}

const sourcesOf = (part: Subtopology): SourceNode[] =>
  part.nodes.filter((node): node is SourceNode => node.kind === 'source')
