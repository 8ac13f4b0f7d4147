// Graphs that Kafka Streams 4.1.0 printed for calls that the recorded cases leave out: shared groupings,
// joins that share a repartition, transformValues, print, forms of count, rewritten branches and merges.
// `recorded-graphs.txt` has its texts, `-opt` with all optimizations.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { long, session, sliding, string, StreamsBuilder, tumbling } from '../../src/index.js'
import { describeDifference } from '../vectors/describe-graph.js'

const recorded = readFileSync(new URL('recorded-graphs.txt', import.meta.url), 'utf8')
  .split('##### ')
  .slice(1)
  .map((text) => {
    const end = text.indexOf('\n')
    return { name: text.slice(0, end), graph: text.slice(end + 1).trimEnd() }
  })

// oxlint-disable no-explicit-any -- only the calls matter here, not what flows
const S = { key: string(), value: string() } as any
const w5 = tumbling({ sizeMs: 5, graceMs: 0 })
const ses = session({ gapMs: 5, graceMs: 0 })
const within = { beforeMs: 5, afterMs: 5, graceMs: 0 }

const cases: Record<string, (b: StreamsBuilder<any, any>) => void> = {
  sharedGrouping(b) {
    const g = b
      .stream('in')
      .selectKey((v: any) => v)
      .groupByKey({ ...S, name: 'g' })
    g.count().toStream().to('o1')
    g.reduce((x: any) => x)
      .toStream()
      .to('o2')
    b.stream('in2').to('o3')
  },
  unsharedGrouping(b) {
    const g = b
      .stream('in')
      .selectKey((v: any) => v)
      .groupByKey(S)
    g.count().toStream().to('o1')
    g.reduce((x: any) => x)
      .toStream()
      .to('o2')
  },
  twoJoins(b) {
    const s = b.stream('in').selectKey((v: any) => v)
    s.join(b.table('t'), (x: any) => x).to('o1')
    s.leftJoin(b.table('u'), (x: any) => x).to('o2')
    s.join(b.table('w'), (x: any) => x, { name: 'j' }).to('o3')
  },
  twoStreamJoins(b) {
    const s = b.stream('in').selectKey((v: any) => v)
    const r = b.stream('in2').map((v: any, k: any) => [v, k])
    s.join(r, (x: any) => x, { ...S, otherValue: string(), within } as any).to('o1')
    s.leftJoin(r, (x: any) => x, { ...S, within } as any).to('o2')
    ;(s as any).outerJoin(r, (x: any) => x, { within, store: 'n', name: 'nm' }).to('o3')
  },
  tableMappers(b) {
    const t = b.table('t')
    t.toStream((v: any, k: any) => k + v).to('o1')
    t.toStream((v: any, k: any) => k + v, { name: 'ts' })
      .groupByKey()
      .count()
      .toStream()
      .to('o2')
  },
  transformValues(b) {
    const t = b.table('t')
    t.transformValues(() => (v: any) => v)
      .toStream()
      .to('o1')
    t.transformValues(() => (v: any) => v, S as any)
      .toStream()
      .to('o2')
    t.transformValues(() => (v: any) => v, { store: 'tv', name: 'tvn' })
      .toStream()
      .to('o3')
  },
  printForeach(b) {
    const s = b.stream('in')
    s.print()
    s.print({ name: 'pr' })
    s.forEach(() => {})
    s.forEach(() => {}, { name: 'fe' })
    s.to('o')
  },
  countForms(b) {
    const g = b.stream('in').groupByKey()
    g.count()
    g.count({ name: 'cn' })
    g.count({ key: string(), value: long() } as any)
    g.windowedBy(w5).count()
    g.windowedBy(w5).count({ name: 'wn' })
    g.windowedBy(ses).count()
    g.windowedBy(ses).reduce((x: any) => x)
    g.windowedBy(sliding({ differenceMs: 5, graceMs: 0 })).reduce((x: any) => x)
    b.stream('z').to('zz')
  },
  tableForms(b) {
    const g = b.table('t').groupBy((v: any, k: any) => [v, k], { ...S, name: 'g' }) as any
    g.count()
    g.reduce({ add: (x: any) => x, subtract: (x: any) => x })
    g.aggregate({ initial: () => '', add: (x: any) => x, subtract: (x: any) => x, name: 'an' })
    b.stream('z').to('zz')
  },
  mergeRekeyed(b) {
    const x = b.stream('a').selectKey((v: any) => v),
      y = b.stream('b').map((v: any, k: any) => [v, k])
    const m = x.merge(y as any)
    m.groupByKey(S).count().toStream().to('o1')
    m.mapValues((v: any) => v + 'x')
      .groupByKey(S)
      .count()
      .toStream()
      .to('o2')
    m.filter(() => true)
      .toTable()
      .toStream()
      .to('o3')
  },
  processRekeyed(b) {
    const x = b
      .stream('a')
      .selectKey((v: any) => v)
      .process(() => ({ process() {} }))
    x.groupByKey(S).count().toStream().to('o1')
    x.groupByKey(S)
      .reduce((p: any) => p)
      .toStream()
      .to('o2')
  },
  flatMapChain(b) {
    const x = b
      .stream('a')
      .flatMap((v: any, k: any) => [[v, k] as const])
      .peek(() => {})
    x.selectKey((_v, k) => k)
      .groupByKey(S)
      .count()
      .toStream()
      .to('o1')
    x.toTable({ name: 'tt' }).toStream().to('o2')
    x.repartition().to('o3')
    x.repartition({ name: 'rp', partitions: 3 }).to('o4')
  },
  cogroupNamed(b) {
    const g = b.stream('a').groupBy((v: any) => v, { ...S, name: 'ga' } as any),
      h = b.stream('b').groupBy((v: any) => v, { ...S, name: 'gb' } as any)
    const c = g
      .cogroup({ initial: () => '', add: (x: any, v: any) => x + v })
      .cogroup(h as any, (x: any, v: any) => x + v)
    c.aggregate({ name: 'co' }).toStream().to('o1')
    c.windowedBy(w5)
      .aggregate()
      .toStream((_v: any, k: any) => k.key)
      .to('o2')
  },
  globals(b) {
    const g = b.globalTable('g', { store: 'gs' })
    const s = b
      .stream('a')
      .selectKey((v: any) => v)
      .join(g as any, ((v: any) => v) as any, ((x: any) => x) as any, { name: 'gj' } as any) as any
    s.groupByKey(S).count().toStream().to('o')
    b.globalTable('h', { name: 'hn' })
  },
  tableJoins(b) {
    const t = b.table('t'),
      u = b.table('u')
    const j = t.join(u, (x: any) => x).filter(() => true)
    ;(j as any)
      .leftJoin(t, (x: any) => x)
      .outerJoin(u, (x: any) => x, S)
      .toStream()
      .to('o')
    b.stream('s')
      .join(j as any, ((x: any) => x) as any)
      .to('o2')
  },
  splitNest(b) {
    const m = b
      .stream('a')
      .selectKey((v: any) => v)
      .split({ name: 'sp-' })
      .branch('x', () => true, { name: 'x' })
      .branch('y', () => true)
      .defaultBranch('d', { name: 'd' })
    m.x.groupByKey(S).count().toStream().to('o1')
    m.y.groupByKey(S).count().toStream().to('o2')
    m.d
      .split()
      .branch('q', () => true)
      .noDefaultBranch()
  },
  suppressForms(b) {
    const w = b.stream('a').groupByKey(S).windowedBy(w5).count()
    w.suppress({ until: 'windowCloses' })
      .filter(() => true)
      .toStream((_v: any, k: any) => k.key)
      .to('o1')
    w.suppress({ until: 'windowCloses', name: 'su' })
      .mapValues((v: any) => v)
      .toStream((_v: any, k: any) => k.key)
      .to('o2')
  },
}

describe('graphs recorded from Kafka Streams', () => {
  for (const { name, graph } of recorded)
    it(`are built alike: ${name}`, () => {
      const optimization = name.endsWith('-opt') ? 'all' : 'none'
      const builder = new StreamsBuilder<any, any>({ ...S, optimization })
      cases[name.replace('-opt', '')]!(builder)
      expect(describeDifference(graph, builder.build().describe())).toBeUndefined()
    })
})
