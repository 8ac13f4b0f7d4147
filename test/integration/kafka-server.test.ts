// The harness itself: the broker answers, and Java's tools read what Java's tools wrote.
import { expect, it } from 'vitest'
import { kafkaTool } from './kafka-tools.js'
import { describeWithKafka, uniqueName } from './use-kafka.js'

describeWithKafka('the real broker', (kafka) => {
  it('lists a topic that it was told to create', { timeout: 60_000 }, async () => {
    const name = uniqueName('harness')
    const command = 'org.apache.kafka.tools.TopicCommand'
    await kafkaTool(kafka, command, ['--create', '--topic', name, '--partitions', '2'])
    const topics = await kafkaTool(kafka, command, ['--list'])
    expect(topics.split('\n')).toContain(name)
  })
})
