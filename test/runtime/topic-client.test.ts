// Writing and reading topics outside of a topology, on the embedded log.
import { expect, it } from 'vitest'
import { systemClock } from '../../src/clock.js'
import { embedded } from '../../src/embedded/embedded.js'
import { MissingTopicError } from '../../src/errors.js'
import { partitionOfKey } from '../../src/kafka/partitioner.js'
import { clientOf } from '../../src/kafka/transport.js'
import { silentLogger } from '../../src/logger.js'
import { TopicClient } from '../../src/runtime/topic-client.js'
import { json } from '../../src/serde/json-serde.js'
import { string } from '../../src/serde/string-serde.js'

const open = () => {
  const transport = embedded()
  return () => new TopicClient(clientOf(transport, { clock: systemClock, logger: silentLogger }))
}
const numbers = { name: 'numbers', key: string(), value: json<number>() }

async function all<T>(records: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const record of records) list.push(record)
  return list
}

it('reads what was written, in order within a partition, with keys where Java would put them', async () => {
  const log = open()()
  await log.createTopics([{ name: 'numbers', partitions: 3 }])
  const sent = Array.from({ length: 500 }, (_, n) => ({
    key: n % 10 === 0 ? null : `k${n % 7}`,
    value: n % 50 === 49 ? null : n,
    timestampMs: 1000 + n,
    headers: { n: String(n) },
  }))
  await log.send(numbers, sent)
  const read = await all(log.read(numbers))
  expect(read).toHaveLength(sent.length)
  for (const partition of [0, 1, 2]) {
    const expected = sent.filter(({ key }) =>
      key === null ? partition === 0 : partitionOfKey(Buffer.from(key), 3) === partition,
    )
    const found = read.filter((r) => r.partition === partition)
    expect(found.map(({ key, value, timestampMs }) => [key, value, timestampMs])).toEqual(
      expected.map(({ key, value, timestampMs }) => [key, value, timestampMs]),
    )
    expect(found.map((r) => Buffer.from(r.headers.get('n') ?? '').toString())).toEqual(
      expected.map((r) => r.headers.n),
    )
    expect(found.map((r) => r.offset)).toEqual(found.map((_, offset) => offset))
  }
  await log.close()
})

it('reads on from given offsets, and ends at once where there is nothing', async () => {
  const log = open()()
  await log.createTopics(['numbers'])
  expect(await all(log.read(numbers))).toEqual([])
  await log.send(
    numbers,
    [1, 2, 3].map((value) => ({ key: 'k', value })),
  )
  const rest = await all(log.read(numbers, new Map([[0, 2]])))
  expect(rest.map((r) => r.value)).toEqual([3])
  expect(await log.endOffsets('numbers')).toEqual(new Map([[0, 3]]))
  expect(await log.committed('nobody', 'numbers')).toEqual(new Map())
  await log.close()
})

it('says what to do about a topic that does not exist', async () => {
  const log = open()()
  await expect(all(log.read(numbers))).rejects.toThrow(MissingTopicError)
  await expect(all(log.read(numbers))).rejects.toThrow('createTopics')
  await log.close()
})
