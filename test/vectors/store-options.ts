// What a step says about stores, as our options; and the stores that steps build by hand.
import {
  keyValueStore,
  long,
  lruStore,
  nullable,
  sessionStore,
  string,
  timestampedKeyValueStore,
  timestampedWindowStore,
  versionedStore,
  windowStore,
  type StoreBuilder,
} from '../../src/index.js'
import type { Step } from './vector-case.js'

const strings = { key: string(), value: string() }

/** The name option alone, absent when the step has none. */
export const named = (step: Step): { name?: string } =>
  step.named === undefined ? {} : { name: step.named }

/** `Materialized` with both serdes; without a store name the unnamed form. */
export function materialized(step: Step, values: 'string' | 'long' | 'nullable' = 'string') {
  const value = values === 'long' ? long() : values === 'nullable' ? nullable(string()) : string()
  return {
    ...named(step),
    key: string(),
    value,
    ...(step.store === undefined ? {} : { store: step.store }),
    ...(step.caching === undefined ? {} : { caching: step.caching }),
    ...(step.logging === false ? { logging: false as const } : {}),
    ...(step.inMemory ? { engine: 'memory' as const } : {}),
    ...(step.retention === undefined ? {} : { retentionMs: step.retention }),
    ...(step.history === undefined ? {} : { historyMs: step.history }),
  }
}

/** The same where the step has a store or asks for an unnamed one, else the name alone. */
export const optionallyMaterialized = (step: Step) =>
  step.store === undefined && !step.mat ? named(step) : materialized(step)

/** The builder of an `addStore` or `addGlobalStore` step. */
export function storeBuilder(step: Step): StoreBuilder<any> {
  const common = {
    ...strings,
    ...(step.inMemory ? { engine: 'memory' as const } : {}),
    ...(step.caching === undefined ? {} : { caching: step.caching }),
    ...(step.logging === false ? { logging: false as const } : {}),
  }
  const windows = () => ({
    ...common,
    sizeMs: step.size!,
    retentionMs: step.retention!,
    ...(step.duplicates ? { keepDuplicates: true } : {}),
  })
  switch (step.kind) {
    case 'keyValue':
      return step.lru === undefined
        ? keyValueStore(common)
        : lruStore({ ...common, maxEntries: step.lru })
    case 'timestampedKeyValue':
      return timestampedKeyValueStore(common)
    case 'window':
      return windowStore(windows())
    case 'timestampedWindow':
      return timestampedWindowStore(windows())
    case 'session':
      return sessionStore({ ...common, retentionMs: step.retention! })
    case 'versioned':
      return versionedStore({ ...common, historyMs: step.history! })
    default:
      throw new Error(`unknown store kind ${step.kind}`)
  }
}
