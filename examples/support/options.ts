// The options that every example takes.
import { parseArgs } from 'node:util'

export interface ExampleOptions {
  /** Ends by itself after so many seconds. */
  readonly seconds: number | undefined
  /** A Kafka cluster instead of the embedded log. */
  readonly brokers: readonly string[] | undefined
  /** Forgets what earlier runs left in the embedded log. */
  readonly fresh: boolean
  /** Records per second of wall-clock time, or how much faster than real time; see each example. */
  readonly speed: number | undefined
  /** What is left: files, for instance. */
  readonly rest: readonly string[]
}

const positive = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!(number > 0)) throw new RangeError(`--${name} takes a number above 0, not '${text}'`)
  return number
}

/** Reads `--seconds N --brokers HOST:PORT[,…] --fresh --speed N …REST`. @throws for anything else. */
export function parseOptions(args: readonly string[]): ExampleOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seconds: { type: 'string' },
      brokers: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      speed: { type: 'string' },
    },
  })
  return {
    seconds: positive('seconds', values.seconds),
    brokers: values.brokers?.split(','),
    fresh: values.fresh,
    speed: positive('speed', values.speed),
    rest: positionals,
  }
}
