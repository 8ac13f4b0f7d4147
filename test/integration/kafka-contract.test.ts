// The Kafka client against the contract of the port, on a real broker. The contract's group and
// topic names are prefixed, because the broker outlives the suite.
import { consoleLogger, silentLogger } from '../../src/logger.js'
import { kafkaClient } from '../../src/kafka/kafka-client.js'
import { kafkaClientContract } from '../contract/kafka-client-contract.js'
import { describeWithKafka, uniqueName } from './use-kafka.js'

const logger = process.env['KAFKA_TEST_LOG'] ? consoleLogger({ verbose: true }) : silentLogger

describeWithKafka('the Kafka client', ({ brokers }) => {
  kafkaClientContract('a real broker', async () => {
    const another = async () => {
      const client = kafkaClient({ brokers, logger })
      clients.push(client)
      return client
    }
    const clients: ReturnType<typeof kafkaClient>[] = []
    return {
      client: await another(),
      another,
      prefix: `${uniqueName('contract')}-`,
      close: async () => void (await Promise.all(clients.map((client) => client.close()))),
    }
  })
})
