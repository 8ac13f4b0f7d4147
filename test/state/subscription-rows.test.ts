// The subscription store of foreign-key joins: scans by foreign key.
import { describe, expect, it } from 'vitest'
import { noHeaders } from '../../src/serde/record-headers.js'
import { MemoryDatabase } from '../../src/state/memory-database.js'
import type { StoreContext } from '../../src/state/state-store.js'
import { SubscriptionRows } from '../../src/state/subscription-rows.js'

const bytes = (text: string) => Buffer.from(text)

describe('the subscription store', () => {
  it('finds the subscriptions of one foreign key by left key, and no longer foreign key', async () => {
    const log: string[] = []
    const context: StoreContext = {
      taskId: '0_0',
      partition: 0,
      applicationId: 'app',
      directory: 'none',
      topic: 'app-subscriptions-changelog',
      rows: new MemoryDatabase(),
      log: (key, _, timestampMs) => void log.push(`${Buffer.from(key).toString('hex')}@${timestampMs}`), // prettier-ignore
      record: () => ({ timestampMs: 0, headers: noHeaders, metadata: undefined }),
      drop: () => {},
      mayContinue: false,
      cacheBytes: 0,
      packedBytes: 0,
      recordCaches: false,
    }
    const rows = new SubscriptionRows('subscriptions', context)
    rows.write(bytes('f'), bytes('k2'), bytes('second'), 8)
    rows.write(bytes('f'), bytes('k1'), bytes('first'), 7)
    rows.write(bytes('f'), bytes('k3'), bytes('gone'), 7)
    rows.write(bytes('f'), bytes('k3'), null, 9)
    rows.write(bytes('ff'), bytes('k'), bytes('other'), 9)
    const found: string[] = []
    for await (const { leftKey, subscription, timestampMs } of rows.scan(bytes('f')))
      found.push(`${Buffer.from(leftKey)} ${Buffer.from(subscription)} ${timestampMs}`)
    expect(found).toEqual(['k1 first 7', 'k2 second 8'])
    rows.writeChangelog()
    expect(log[0]).toBe('00000001666b32@8')
  })
})
