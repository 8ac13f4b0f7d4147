// The graphs of all recorded cases: names, numbers, repartitions, stores and rewritings, without
// running anything.
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { buildTopology } from '../vectors/build-topology.js'
import { describeDifference } from '../vectors/describe-graph.js'
import { readCases } from '../vectors/read-cases.js'

const folder = fileURLToPath(new URL('../vectors/', import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl.gz'))

describe('describe() of the recorded cases', () => {
  for (const file of files)
    it(`prints the graph that Kafka Streams prints: ${file.replace('.jsonl.gz', '')}`, () => {
      const differences: string[] = []
      for (const recorded of readCases(folder + file)) {
        const difference = describeDifference(recorded.describe, buildTopology(recorded).describe())
        if (difference !== undefined) differences.push(`${recorded.name}: ${difference}`)
      }
      expect(differences).toEqual([])
    })
})
