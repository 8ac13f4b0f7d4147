// A node that counts records by key in a store, and forwards the counts.
import { long, string } from '../../src/serde/serdes.js'
import { keyValueStore } from '../../src/state/stores.js'
import type { Processor, ProcessorContext } from '../../src/topology/processor.js'

export const countStores = { counts: keyValueStore({ key: string(), value: long() }) }

export function countNode(
  context: ProcessorContext<any, any, typeof countStores>,
): Processor<unknown, unknown> {
  const counts = context.getStateStore('counts')
  return {
    process(record) {
      const count = (counts.get(String(record.key)) ?? 0) + 1
      counts.put(String(record.key), count)
      return context.forward({ ...record, value: count })
    },
  }
}
