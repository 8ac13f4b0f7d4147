// Examples in docstrings, as the test of them reads them:
//
//   @example
//   words.filter((word) => word.length > 2)     an expression over the names in `scope`
//   // words: a=to, a=tree@5                    records for a topic, in order; ∅ is null
//   // → a=tree@5                               what comes out; @0 is left out
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface DocExample {
  /** The file and the line, for names of tests. */
  readonly where: string
  readonly code: string
  readonly inputs: readonly { readonly topic: string; readonly record: string }[]
  readonly output: readonly string[]
}

/** What examples are written over: streams, tables, a global table. */
export const scope = `
interface Reading { readonly sensor: string; readonly value: number }
interface Order { readonly customer: string; readonly amount: number }
interface Customer { readonly name: string; readonly country: string }
const builder = new StreamsBuilder({ key: string(), value: json() })
const words = builder.stream('words', { value: string() })
const letters = builder.stream('letters', { value: string() })
const readings = builder.stream('readings', { value: json<Reading>() })
const orders = builder.stream('orders', { value: json<Order>() })
const orderTable = builder.table('orderTable', { value: json<Order>() })
const customers = builder.table('customers', { value: json<Customer>() })
const prices = builder.table('prices', { value: json<number>() })
const history = builder.table('history', { value: json<number>(), store: 'history', historyMs: 1000 })
const countries = builder.globalTable('countries', { value: json<{ readonly tax: number }>() })
`

const source = fileURLToPath(new URL('../../src/', import.meta.url))

function parse(where: string, text: string): DocExample | undefined {
  const lines = text.split('\n').map((line) => line.replace(/^\s*\* ?/, ''))
  const output = lines.find((line) => line.startsWith('// →'))
  if (output === undefined) return undefined
  return {
    where,
    code: lines.filter((line) => !line.startsWith('//') && line.trim() !== '').join('\n'),
    inputs: lines.flatMap((line) => {
      const [, topic, records] = /^\/\/ (\w+): (.*)$/.exec(line) ?? []
      if (topic === undefined || records === undefined) return []
      return records.split(', ').map((record) => ({ topic, record }))
    }),
    output: output
      .slice(4)
      .split(', ')
      .map((record) => record.trim())
      .filter((record) => record !== ''),
  }
}

/** The examples of all files below a folder of `src` that say what comes out. */
export function docExamples(folder: string): DocExample[] {
  const files = readdirSync(source + folder, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.ts'))
    .toSorted()
    .flatMap((file) => {
      const text = readFileSync(`${source}${folder}/${file}`, 'utf8')
      return [...text.matchAll(/@example\n([\s\S]*?)\*\//g)].flatMap((match) => {
        const line = text.slice(0, match.index).split('\n').length
        return parse(`${file}:${line}`, match[1]!) ?? []
      })
    })
}
