// Lines of a file, plain or gzipped, as records.
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { parseLine, type ReplayRecord } from './parse.js'

/** The records of a file in its order; the series of a CSV is named after the file. */
export async function* readRecords(path: string): AsyncGenerator<ReplayRecord> {
  const raw = createReadStream(path)
  const input = path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw
  raw.once('error', (error) => input.destroy(error))
  const series = basename(path).replace(/\.(gz|csv|txt)/g, '')
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const record = parseLine(line, series)
      if (record !== undefined) yield record
    }
  } finally {
    raw.destroy()
  }
}
