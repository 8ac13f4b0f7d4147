// The recorded cases of Apache Kafka Streams 4.1.0, all of them, on the test driver.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { caseFiles, readCases } from './read-cases.js'
import { checkCase } from './run-case.js'

const folder = fileURLToPath(new URL('.', import.meta.url))
const pending = new Set(
  readFileSync(`${folder}pending.txt`, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#')),
)
const cases = caseFiles([folder]).flatMap(readCases)

for (const family of new Set(cases.map((vector) => vector.family)))
  describe(family, () => {
    for (const vector of cases.filter((one) => one.family === family))
      it(pending.has(vector.name) ? `${vector.name} is still pending` : vector.name, async () => {
        const difference = await checkCase(vector)
        if (pending.has(vector.name)) expect(difference).toBeDefined()
        else expect(difference).toBeUndefined()
      })
  })

it('lists only cases that exist as pending', () => {
  const names = new Set(cases.map(({ name }) => name))
  expect([...pending].filter((name) => !names.has(name))).toEqual([])
})
