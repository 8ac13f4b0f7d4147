// The program of a user who installed the package; copied into an empty project by the test.
import { KafkaStreams, StreamsBuilder, embedded, json, long, string, topic } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'

interface Reading {
  readonly sensorId: string
  readonly value: number
}

const readings = topic('readings', { key: string(), value: json<Reading>() })
const builder = new StreamsBuilder()
const counts = builder.stream(readings).groupByKey().count({ store: 'counts' })
counts.toStream().to('counts-out', { value: long() })
const topology = builder.build({ counts })

const driver = new TopologyTestDriver(topology)
const input = driver.createInputTopic(readings)
const output = driver.createOutputTopic('counts-out', { key: string(), value: long() })
for (const sensorId of ['a', 'b', 'a']) await input.pipeInput(sensorId, { sensorId, value: 1 })
console.log(JSON.stringify(output.readKeyValuesToList()))
await driver.close()

// Constructed only: starting needs topics.
const streams = new KafkaStreams(topology, { applicationId: 'consumer', transport: embedded() })
if (streams.state !== 'CREATED') throw new Error(`state is ${streams.state}`)
