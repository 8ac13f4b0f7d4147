// The port to the log, case by case; every implementation runs all of them.
import { afterAll, beforeAll, describe } from 'vitest'
import { Fixture, type ContractLog } from './kafka-fixture.js'
import { adminCases } from './kafka-admin-cases.js'
import { fetchCases } from './kafka-fetch-cases.js'
import { groupCases } from './kafka-group-cases.js'
import { produceCases } from './kafka-produce-cases.js'
import { transactionCases } from './kafka-transaction-cases.js'

/** Runs the suite against a log, which `open` gives once for all cases. */
export function kafkaClientContract(name: string, open: () => Promise<ContractLog>): void {
  describe(`the Kafka port: ${name}`, () => {
    let log: ContractLog
    let cases = 0
    beforeAll(async () => {
      log = await open()
    })
    afterAll(() => log.close())
    const fixture = (): Fixture => new Fixture(log, `case${++cases}`)
    describe('producing', () => produceCases(fixture))
    describe('fetching', () => fetchCases(fixture))
    describe('transactions', () => transactionCases(fixture))
    describe('groups', () => groupCases(fixture))
    describe('administration', () => adminCases(fixture))
  })
}
