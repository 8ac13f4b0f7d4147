// A stream being split: each branch gets the records that no earlier one took (semantics 4.5).
import { TopologyError } from '../errors.js'
import type { StreamRecord } from '../topology/stream-record.js'
import type { Mapper } from './callbacks.js'
import { KStream } from './kstream.js'
import type { Named } from './options.js'
import { branch, type Branch } from './processors/branch.js'
import type { Predicate } from './processors/filter.js'
import { passThrough } from './processors/pass-through.js'
import { addStep, type StreamState } from './stream-state.js'

/** A split node and the branches that it has so far. */
export class Split {
  readonly #state: StreamState
  readonly #branches: Branch[] = []
  readonly #streams: Record<string, KStream<any, any>> = {}
  #isClosed = false

  constructor(stream: StreamState, o: Named) {
    const name = stream.graph.nameOr(o.name, 'KSTREAM-BRANCH-')
    this.#state = addStep(stream, name, branch(this.#branches))
  }

  /** The node's suffix is its own name, else its position; an index is used either way. */
  add(property: string, predicate: Predicate | undefined, o: Named): void {
    const split = this.#state
    if (this.#isClosed)
      throw new TopologyError(
        `${split.name} has ended: add branches before defaultBranch() or noDefaultBranch()`,
      )
    if (Object.hasOwn(this.#streams, property))
      throw new TopologyError(
        `${split.name} has a branch '${property}' already: choose another name`,
      )
    const position = predicate === undefined ? 0 : this.#branches.length + 1
    const child = `${split.name}${o.name ?? position}`
    split.graph.newName('KSTREAM-BRANCHCHILD-')
    this.#branches.push({ child, predicate })
    this.#streams[property] = new KStream(addStep(split, child, passThrough))
  }

  /** All branches by property. */
  close(): Record<string, KStream<any, any>> {
    this.#isClosed = true
    return { ...this.#streams }
  }
}

/**
 * The branches of a split. `Rest` is what no branch has taken so far, `B` the branches by property.
 *
 * @example
 * const { hot, rest } = temperatures.split().branch('hot', (t) => t.celsius > 90).defaultBranch('rest')
 */
export class BranchedKStream<K, V, Rest, B> {
  readonly #split: Split

  /** Made by `split`. */
  constructor(split: Split) {
    this.#split = split
  }

  /**
   * Records for which `predicate` holds, under the property `name`; the node is named by `options`.
   *
   * @example
   * words.split({ name: 'by-length-' }).branch('long', (word) => word.length > 2, { name: 'long' })
   *   .noDefaultBranch().long
   * // words: a=tree
   * // → a=tree
   */
  branch<N extends string, V2 extends Rest>(
    name: N extends keyof B ? `branch '${N}' exists already` : N,
    predicate: (value: Rest, key: K, record: StreamRecord<K, Rest>) => value is V2,
    options?: Named,
  ): BranchedKStream<K, V, Exclude<Rest, V2>, B & { readonly [P in N]: KStream<K, V2> }>
  branch<N extends string>(
    name: N extends keyof B ? `branch '${N}' exists already` : N,
    predicate: Mapper<K, Rest, boolean>,
    options?: Named,
  ): BranchedKStream<K, V, Rest, B & { readonly [P in N]: KStream<K, Rest> }>
  branch(
    name: string,
    predicate: Mapper<K, Rest, boolean>,
    options: Named = {},
  ): BranchedKStream<K, V, any, any> {
    this.#split.add(name, predicate, options)
    return this as BranchedKStream<K, V, any, any>
  }

  /**
   * All other records, and the end of the split.
   *
   * @example
   * words.split().branch('long', (word) => word.length > 2).defaultBranch().default
   * // words: a=to, a=tree
   * // → a=to
   */
  defaultBranch<N extends string = 'default'>(
    name?: N extends keyof B ? `branch '${N}' exists already` : N,
    options: Named = {},
  ): {
    readonly [P in keyof (B & { readonly [Q in N]: KStream<K, Rest> })]: (B & {
      readonly [Q in N]: KStream<K, Rest>
    })[P]
  } {
    this.#split.add(name ?? 'default', undefined, options)
    return this.#split.close() as any
  }

  /**
   * The end of the split; records that fit no branch are dropped.
   *
   * @example
   * words.split().branch('long', (word) => word.length > 2).noDefaultBranch().long
   * // words: a=to, a=tree
   * // → a=tree
   */
  noDefaultBranch(): { readonly [P in keyof B]: B[P] } {
    return this.#split.close() as { readonly [P in keyof B]: B[P] }
  }
}
