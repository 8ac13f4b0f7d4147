// More of what users write: variance, typed stores and queries, and further mistakes.
import { StreamsBuilder, KafkaStreams, Topology, json, string, long, keyValueStore, windowStore, sessionStore, customStore, timestampedKeyValueStore, nullable, tumbling, session, sliding, hopping, minutes, required, topic, recordHeaders, embedded,
  type KStream, type KTable, type GlobalKTable, type Windowed, type StoreOf, type Queryable, type Processor, type ProcessorContext, type StateStore, type KeyValueStore, type WindowStore, type Serde, type StreamsConfig, type Materialized, type KGroupedStream, type TimestampExtractor, type Partitioner, type ReadOnlyKeyValueStore, type StreamRecord, type Mapper, type Folder, type Topic, type Stores } from 'millrace'
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function is<T extends true>(): void
const b = new StreamsBuilder({ key: string(), value: json() })
interface M { readonly id: string; readonly v: number }
const s = b.stream('m', { key: required(string()), value: json<M>() })
const wide: KStream<string | null, M | null> = s
const wide2: KStream<unknown, unknown> = s
const t = b.table('t', { value: json<M>(), store: 't' })
const tw: KTable<string, M | string> = t
const counted = s.groupByKey().count({ store: 'c' })
const cw: KTable<string, number> = counted
const cw2: KTable<unknown, unknown> = counted
const g = b.globalTable('g', { value: json<M>(), store: 'g' })
const gw: GlobalKTable<unknown, unknown> = g
const win = s.groupByKey().windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).count({ store: 'w' })
const ses = s.groupByKey().windowedBy(session({ gapMs: 1, graceMs: 0 })).count({ store: 's' })
const kv = b.addStateStore('kv', keyValueStore({ key: string(), value: json<M>() }))
const ws = b.addStateStore('ws', windowStore({ key: string(), value: long(), sizeMs: 1, retentionMs: 1 }))
const topo = b.build({ c: counted, g, w: win, s: ses, kv, ws })
const k = new KafkaStreams(topo, { applicationId: 'x', transport: embedded() })
is<Equal<Awaited<ReturnType<typeof c1.get>>, number | undefined>>()
const c1 = k.store('c')
const m1 = await k.store('g').get('x'); is<Equal<typeof m1, M | undefined>>()
const w1 = await k.store('w').fetch('x', { fromMs: 0, toMs: 1 }); is<Equal<(typeof w1)[number]['value'], number>>()
const s1 = await k.store('s').fetch('x'); is<Equal<(typeof s1)[number]['value'], number>>()
const kv1 = await k.store('kv').get('x'); is<Equal<typeof kv1, M | undefined>>()
const ws1 = await k.store('ws').fetch('x', { fromMs: 0, toMs: 1 }); is<Equal<(typeof ws1)[number]['value'], number>>()
for await (const [w, n] of k.store('w').fetchAll({ fromMs: 0, toMs: 1 })) { is<Equal<typeof w, Windowed<string>>>(); n.toFixed() }
const viaT = await k.store(t).get('x'); is<Equal<typeof viaT, M | undefined>>()
const any1: Topology<any> = topo
const none: Topology = new Topology()
function q<T extends Queryable>(x: T): StoreOf<T> { return null! }
is<Equal<ReturnType<typeof q<typeof counted>>, ReadOnlyKeyValueStore<string, number>>>()
// process with typed stores
s.process((c) => {
  const st = c.getStateStore('last')
  is<Equal<typeof st, KeyValueStore<string, M>>>()
  const h = c.getStateStore('kv')
  // @ts-expect-error wrong value
  st.put('x', 5)
  // @ts-expect-error unknown store
  c.getStateStore('lst')
  return { process(r) { h.put(r.key, r.value); return c.forward(r) } }
}, { stores: { last: keyValueStore({ key: string(), value: json<M>() }), kv } })
s.processValues((c) => ({ process(r) { c.forward({ ...r, value: r.value.v }) } }), { value: long() })
// @ts-expect-error key change in processValues
s.processValues((c) => ({ process(r) { c.forward({ ...r, key: 5 }) } }))
t.transformValues((c) => { const st = c.getStateStore('x'); return (v, key) => (v === null ? 0 : v.v + (st.get(key) ?? 0)) }, { stores: { x: keyValueStore({ key: string(), value: long() }) } })
const cs = customStore({ open: (c) => ({ n: 0, flush() {}, close() {} }) })
s.process((c) => { c.getStateStore('cs').n++; return { process() {} } }, { stores: { cs } })
function dedupe<K, V>(st: KStream<K, V>): KStream<K, V> { return st.filter((v) => v !== null).peek(() => {}) }
const dd = dedupe(s); is<Equal<typeof dd, KStream<string, M>>>()
function total<K, V extends { v: number }>(st: KStream<K, V>) { return st.groupByKey().aggregate({ initial: () => 0, add: (a, x) => a + x.v }) }
const tt = total(s)
const n: KTable<string, number> = tt
const ext: TimestampExtractor<M> = (v, key, r, p) => v.v
b.stream('e', { value: json<M>(), timestamp: ext })
const part: Partitioner<string, M> = (v, key, to, p) => [0, 1]
s.to('o', { partitioner: part })
s.to((v, key, r) => v.id + key + r.timestampMs)
const top = topic('top', { key: string(), value: json<M>() })
s.to(top); b.stream(top); b.table(top); b.globalTable(top)
// @ts-expect-error topic of numbers
s.to(topic('x', { key: string(), value: long() }))
const j1 = s.join(t, (a, c, key) => ({ a, c, key })); is<Equal<typeof j1, KStream<string, { a: M; c: M; key: string }>>>()
const j2 = s.leftJoin(g, (v) => v.id, (a, c) => c); is<Equal<typeof j2, KStream<string, M | null>>>()
const j3 = s.leftJoin(s, (a, c) => c?.v ?? 0, { within: { beforeMs: 1, afterMs: 1, graceMs: 0 } })
// @ts-expect-error other may be null
s.leftJoin(t, (a, c) => c.v)
// @ts-expect-error foreign key of another type
t.join(t, (v) => v.v, (a, c) => a)
const fk = t.leftJoin(t, (v) => v.id, (a, c) => c); is<Equal<typeof fk, KTable<string, M, null>>>()
const gt = t.groupBy((v) => [v.v, v.id]); gt.count().toStream().mapValues((x) => x + 1)
const red = t.groupBy((v, key) => [key, v.v]).reduce({ add: (a, x) => a + x, subtract: (a, x) => a - x })
// @ts-expect-error subtract missing
t.groupBy((v, key) => [key, v.v]).reduce({ add: (a, x) => a + x })
const sup = win.suppress({ until: 'windowCloses' }).toStream(); is<Equal<typeof sup, KStream<Windowed<string>, number>>>()
// @ts-expect-error strict buffers do not emit early
win.suppress({ until: 'windowCloses', whenFull: 'emitEarly' })
const wj = win.join(win, (a, c) => a + c)
const ks = win.toStream((x, w) => `${w.key}${w.startMs}`); is<Equal<typeof ks, KStream<string, number>>>()
const sessKey = ses.toStream(); is<Equal<typeof sessKey, KStream<Windowed<string, 'session'>, number | null>>>()
const mat: Materialized<string, number> = { store: 'x', value: long(), caching: false }
s.groupByKey().count(mat)
const emitted = s.groupByKey().windowedBy(sliding({ differenceMs: 1, graceMs: 0 })).emitStrategy('onWindowClose').aggregate({ initial: () => [] as number[], add: (a, x) => [...a, x.v] })
s.groupByKey().windowedBy(hopping({ sizeMs: minutes(1), advanceMs: 1, graceMs: 0 })).reduce((a, x) => (a.v > x.v ? a : x), { retentionMs: 5 })
const nb = b.stream('nb', { value: nullable(json<M>()) })
const nbw = nb.groupByKey().windowedBy(tumbling({ sizeMs: 1, graceMs: 0 })).aggregate({ initial: () => 0, add: (a, x) => a + (x?.v ?? 0) })
const sp = nb.split().branch('none', (v) => v === null).branch('big', (v) => v.v > 1).defaultBranch()
is<Equal<typeof sp.big, KStream<string | null, M>>>()
is<Equal<typeof sp.none, KStream<string | null, null>>>()
s.mapValuesAsync(async (v, key, r, { signal, attempt }) => attempt + v.v, { order: 'none', retry: { attempts: 2 } }).mapValues((x) => x.toFixed())
// @ts-expect-error filterAsync wants a boolean
s.filterAsync(async (v) => v.v)
const cfg: StreamsConfig = { applicationId: 'a', brokers: ['x'], numStreamThreads: 1, deadLetterTopic: 'd' }
s.merge(nb).mapValues((v) => v?.v)
s.toTable({ store: 'x' }).toStream().to('y')
s.print({ label: 'x' }); s.forEach((v) => { v.v })
// @ts-expect-error misspelt window option
tumbling({ sizeMs: 1, grace: 0 })
// @ts-expect-error store options misspelt
keyValueStore({ key: string(), value: long(), cacheing: true })
b.addGlobalStore('gs', keyValueStore({ key: string(), value: long() }), 'topic', ({ store, recordMetadata }) => ({ process(r) { if (r.key !== null) store.put(r.key, r.value) } }), { key: string(), value: long() })
const pr: Processor<string, M> = { process(r: StreamRecord<string, M>) {} }
s.process(() => pr)
new StreamsBuilder({ wrapProcessor: (node, p) => ({ process: (r) => { console.log(node.name, node.stores); return p.process(r) } }) })
new StreamsBuilder({ optimization: ['merge.repartition.topics'] })
// @ts-expect-error unknown optimization
new StreamsBuilder({ optimization: ['merge.topics'] })
