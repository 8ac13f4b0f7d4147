// Starts one broker for all suites of `test/integration` and stops it at the end of the run.
import type { TestProject } from 'vitest/node'
import { type KafkaAddress, KafkaMissingError, startKafka } from './kafka-server.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The broker, or why there is none. */
    kafka: KafkaAddress | { readonly missing: string }
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  try {
    const kafka = await startKafka()
    const { brokers, pid, classpath } = kafka
    project.provide('kafka', { brokers, pid, classpath })
    return () => kafka.stop()
  } catch (error) {
    if (!(error instanceof KafkaMissingError) || process.env['CI'] === 'true') throw error
    const line = '!'.repeat(100)
    process.stderr.write(`${line}\nreal-broker tests are SKIPPED: ${error.message}\n${line}\n`)
    project.provide('kafka', { missing: error.message })
  }
}
