// How a test reaches the broker of the run; without one its suites are skipped, which the run says.
import { describe, inject, it } from 'vitest'
import type { KafkaAddress } from './kafka-server.js'

/** `describe` for suites that need the broker. */
export function describeWithKafka(name: string, suite: (kafka: KafkaAddress) => void): void {
  const kafka = inject('kafka')
  describe(name, () => {
    if ('missing' in kafka) it('needs a broker', ({ skip }) => skip(kafka.missing))
    else suite(kafka)
  })
}

let names = 0

/** A name that no other test of this run uses, for topics and application ids. */
export const uniqueName = (stem: string): string =>
  `${stem}-${process.pid}-${Date.now().toString(36)}-${names++}`
