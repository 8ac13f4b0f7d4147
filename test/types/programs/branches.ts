// What a split collects is one object, whose properties are the branches.
import { json, type KStream } from 'millrace'
import { builder, events, is, measurements, type Equal } from './world.js'
import type { Measurement, MotorState, Temp } from './world.js'

const both = events
  .split()
  .branch('motor', (e) => e.kind === 'motor')
  .defaultBranch('temp')
is<
  Equal<
    typeof both,
    { readonly motor: KStream<string | null, MotorState>; readonly temp: KStream<string | null, Temp> }
  >
>()
const three = measurements
  .split({ name: 'by-value' })
  .branch('high', (m) => m.value > 9)
  .branch('low', (m, key) => m.value < 1 && key !== null, { name: 'small' })
  .defaultBranch()
is<Equal<keyof typeof three, 'high' | 'low' | 'default'>>()
three.default.merge(three.low).to('rest')
export function overdue<K, V extends { at: number }>(stream: KStream<K, V>, atMs: number) {
  const { late, onTime } = stream.split().branch('late', (v) => v.at < atMs).defaultBranch('onTime')
  late.to('late')
  return onTime
}
const onTime = overdue(builder.stream('a', { value: json<{ at: number; n: 1 }>() }), 5)
is<Equal<typeof onTime, KStream<string | null, { at: number; n: 1 }>>>()
const only: { readonly all: KStream<string | null, Measurement> } = measurements.split().defaultBranch('all')

// @ts-expect-error the default branch has the name of another
measurements.split().branch('high', (m) => m.value > 9).defaultBranch('high')
// @ts-expect-error the default branch has another name
three.rest.to('rest')
// @ts-expect-error branches are read only
three.low = three.high
// @ts-expect-error a branch needs a name
measurements.split().branch((m: Measurement) => m.value > 9)
// @ts-expect-error branches come before the default branch
measurements.split().defaultBranch().branch('high', (m) => m.value > 9)
