// What the cases of the Kafka port share: a log to run on, records in and out, and waiting that
// works on a virtual clock as well as on a real one.
import type { VirtualClock } from '../../src/clock.js'
import {
  partitionKey,
  type Assignment,
  type Assignor,
  type Client,
  type Fetcher,
  type GroupListener,
  type GroupMember,
  type GroupMemberOptions,
  type NewTopic,
  type Producer,
  type TopicPartition,
} from '../../src/kafka/client.js'
import { RecordBatchBuilder } from '../../src/kafka/record-batch.js'
import type { HeaderEntry } from '../../src/serde/record-headers.js'

/** A log under test. */
export interface ContractLog {
  readonly client: Client
  /** A further client of the same log, as another process has it; closed by `close`. */
  another(): Promise<Client>
  close(): Promise<void>
  /** The clock of all clients where it is virtual. */
  readonly clock?: VirtualClock | undefined
  /** Put before names of topics, groups and transactional ids where the log outlives the suite. */
  readonly prefix?: string | undefined
}

export interface Row {
  readonly offset: number
  readonly timestampMs: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly HeaderEntry[]
}

const text = (bytes: Buffer | null): string | null => bytes && bytes.toString()

/** One case's view of the log. */
export class Fixture {
  readonly log: ContractLog
  readonly #name: string

  constructor(log: ContractLog, name: string) {
    this.log = log
    this.#name = `${log.prefix ?? ''}${name}`
  }

  get client(): Client {
    return this.log.client
  }

  /** A name of this case's own. */
  name(suffix: string): string {
    return `${this.#name}-${suffix}`
  }

  async topic(suffix: string, partitions = 1, configs: NewTopic['configs'] = {}): Promise<string> {
    const name = this.name(suffix)
    await this.client.admin.createTopics([{ name, partitions, replicationFactor: 1, configs }])
    return name
  }

  /** Lets time go by: on the virtual clock at once. */
  async pass(ms: number): Promise<void> {
    const { clock } = this.log
    clock?.advance(ms)
    await new Promise((resolve) => (clock ? setImmediate(resolve) : setTimeout(resolve, ms)))
  }

  /** Waits until `condition` holds. */
  async until(what: string, condition: () => boolean, limitMs = 20_000): Promise<void> {
    for (let ms = 0; ms < limitMs; ms += 10) {
      if (condition()) return
      await this.pass(10)
    }
    throw new Error(`not in ${limitMs} ms: ${what}`)
  }

  /** The result of a call while time goes by. */
  async during<T>(call: Promise<T>): Promise<T> {
    let done = false
    const settled = call.finally(() => (done = true))
    settled.catch(() => {})
    await this.until('the call returns', () => done)
    return settled
  }

  /** Sends values as one batch; resolves to nothing, the acknowledgement comes with `flush`. */
  send(
    producer: Producer,
    partition: TopicPartition,
    values: readonly (string | null)[],
    acknowledged?: (baseOffset: number) => void,
  ): void {
    producer.send(partition, batchOf(values), acknowledged)
  }

  /** Reads until the position is `to`; everything that came on the way. */
  async read(fetcher: Fetcher, partition: TopicPartition, to: number): Promise<Row[]> {
    const rows: Row[] = []
    await this.until(`position ${to} of ${partitionKey(partition)}`, () => {
      for (let some = fetcher.poll(); some; some = fetcher.poll())
        for (const reader of some.batches)
          while (reader.next())
            rows.push({
              offset: reader.offset,
              timestampMs: reader.timestampMs,
              key: text(reader.key()),
              value: text(reader.value()),
              headers: reader.headers(),
            })
      return (fetcher.position(partition) ?? -1) >= to
    })
    return rows
  }

  /** Reads a partition from `from` with a fetcher of its own. */
  async readAll(
    partition: TopicPartition,
    isolation: 'read_committed' | 'read_uncommitted',
    to: number,
    from = 0,
  ): Promise<Row[]> {
    const fetcher = this.client.fetcher({ isolation, maxWaitMs: 50 })
    fetcher.add(partition, from)
    const rows = await this.read(fetcher, partition, to)
    await fetcher.close()
    return rows
  }

  /** A member that records what it is told. */
  member(
    client: Client,
    groupId: string,
    topics: readonly string[],
    options: Partial<GroupMemberOptions> = {},
  ): TestMember {
    return new TestMember(client, {
      groupId,
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 6_000,
      heartbeatIntervalMs: 200,
      topics: () => topics,
      assignor: roundRobin(client),
      ...options,
    })
  }
}

/** A batch of values without keys. */
export function batchOf(
  values: readonly (string | null)[],
  timestampMs = 1000,
): RecordBatchBuilder {
  const builder = new RecordBatchBuilder()
  for (const value of values)
    builder.append(timestampMs, null, value === null ? null : Buffer.from(value), [])
  return builder
}

/** Partition n goes to member n modulo their number, members in the order of their ids. */
export const roundRobin = (client: Client): Assignor => ({
  name: 'round-robin-test',
  userData: () => new Uint8Array([7]),
  async assign(members) {
    const topics = [...new Set(members.flatMap((m) => m.topics))].sort()
    const described = await client.admin.describeTopics(topics)
    const ids = members.map((m) => m.memberId).sort()
    const partitions = new Map<string, TopicPartition[]>(ids.map((id) => [id, []]))
    let n = 0
    for (const topic of topics)
      for (let partition = 0; partition < (described.get(topic)?.partitions ?? 0); partition++)
        partitions.get(ids[n++ % ids.length]!)!.push({ topic, partition })
    return new Map(
      ids.map((id, at): [string, Assignment] => [
        id,
        { partitions: partitions.get(id)!, userData: new Uint8Array([at]) },
      ]),
    )
  },
})

/** A group member and what its listener heard. */
export class TestMember implements GroupListener {
  readonly member: GroupMember
  /** What it owns now, as texts. */
  owned: string[] = []
  readonly events: string[] = []
  readonly errors: Error[] = []
  userData: readonly number[] = []
  /** Replaced by a case that wants to act while partitions leave. */
  beforeRevoked: () => Promise<void> = async () => {}
  /** The same before the group is joined anew. */
  beforeRejoin: () => Promise<void> = async () => {}

  constructor(client: Client, options: Omit<GroupMemberOptions, 'listener'>) {
    this.member = client.groupMember({ ...options, listener: this })
    this.member.start()
  }

  async onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    await this.beforeRevoked()
    this.events.push(`revoked ${partitions.map(partitionKey).join(' ')}`)
    const gone = partitions.map(partitionKey)
    this.owned = this.owned.filter((p) => !gone.includes(p))
  }

  async onAssigned(assignment: Assignment, added: readonly TopicPartition[]): Promise<void> {
    this.events.push(`assigned +${added.map(partitionKey).join(' ')}`)
    this.userData = Array.from(assignment.userData)
    this.owned = assignment.partitions.map(partitionKey).sort()
  }

  async onLost(partitions: readonly TopicPartition[]): Promise<void> {
    this.events.push(`lost ${partitions.map(partitionKey).join(' ')}`)
    this.owned = []
  }

  async onRebalance(): Promise<void> {
    this.events.push('rebalance')
    await this.beforeRejoin()
  }

  onError(error: Error): void {
    this.errors.push(error)
  }
}
