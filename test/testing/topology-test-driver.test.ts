// The driver over topologies built by hand: order, clocks, feedback, errors.
import { describe, expect, it } from 'vitest'
import { string } from '../../src/serde/string-serde.js'
import { nullable } from '../../src/serde/null-serdes.js'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.js'
import { Topology } from '../../src/topology/topology.js'

const serdes = { key: string(), value: nullable(string()) }

/** `in` → one processor → `out`. */
const echo = (process: (value: string | null) => string | null = (value) => value): Topology =>
  new Topology()
    .addSource('source', 'in', serdes)
    .addProcessor<string, string | null>(
      'echo',
      (context) => ({
        process: (r) =>
          context.forward({ key: r.key, value: process(r.value), timestampMs: r.timestampMs }),
      }),
      { parents: ['source'] },
    )
    .addSink('sink', 'out', { ...serdes, parents: ['echo'] })

describe('the driver', () => {
  it('processes a record before its step resolves', async () => {
    await using driver = new TopologyTestDriver(echo(), { startMs: 0 })
    await driver.createInputTopic('in', serdes).pipeInput('a', '1', { timestampMs: 5 })
    const output = driver.createOutputTopic('out', serdes)
    expect(output.readRecord()).toMatchObject({ key: 'a', value: '1', timestampMs: 5 })
    expect(driver.producedTopicNames).toEqual(new Set(['out']))
  })

  it('rejects the step whose record fails, and goes on with the next', async () => {
    const failing = echo((value) => {
      if (value === 'bad') throw new Error('no')
      return value
    })
    await using driver = new TopologyTestDriver(failing, { startMs: 0 })
    const input = driver.createInputTopic('in', serdes)
    await expect(input.pipeInput('a', 'bad')).rejects.toThrow('echo failed at in-0@0')
    await input.pipeInput('a', 'good')
    expect(driver.createOutputTopic('out', serdes).readValuesToList()).toEqual(['good'])
  })

  it('keeps steps apart that nobody waits for', async () => {
    await using driver = new TopologyTestDriver(echo(), { startMs: 0 })
    const input = driver.createInputTopic('in', serdes)
    await Promise.all([input.pipeInput('a', '1'), input.pipeInput('a', '2')])
    expect(driver.createOutputTopic('out', serdes).readValuesToList()).toEqual(['1', '2'])
  })

  it('refuses a topic that nobody reads', () => {
    const driver = new TopologyTestDriver(echo())
    expect(() => driver.createInputTopic('inn', serdes)).toThrow('the topology reads in')
  })
})
