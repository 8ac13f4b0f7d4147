// What every join of two tables is put through against its model.
import type fc from 'fast-check'
import { it } from 'vitest'
import type { Topology } from '../../../src/index.js'
import { followsModel, type Model, type Step } from '../model-run.js'

export interface TableJoinOptions {
  /** Of the join itself. */
  readonly join?: object
  readonly engine?: 'leveldb' | 'memory'
  /** Of both tables. */
  readonly inputs?: { readonly caching?: boolean }
}

const stored = { join: { store: 's' } }

/** `cached` are the steps after which record caches leave the same last values. */
export function tableJoinCases<S>(
  build: (o: TableJoinOptions) => Topology<any>,
  model: Model<S>,
  some: fc.Arbitrary<Step[]>,
  cached: fc.Arbitrary<Step[]>,
): void {
  it('gives what two maps give', () => followsModel(() => build({}), model, some))

  it('gives it in memory', () =>
    followsModel(() => build({ ...stored, engine: 'memory' }), model, some))

  it('gives it on LevelDB', () =>
    followsModel(() => build(stored), model, some, { onLevelDb: true }))

  it('gives the same last values with record caches', () =>
    followsModel(() => build(stored), model, cached, { caching: true }))

  it('gives them with deletions too where only the result has a record cache', () =>
    followsModel(() => build({ ...stored, inputs: { caching: false } }), model, some, {
      caching: true,
    }))
}
