// Finds recorded cases: files and folders, plain or compressed, any mix of families.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { VectorCase } from './vector-case.js'

const isCaseFile = (path: string): boolean => /\.jsonl(\.gz)?$/.test(path)

/** All case files below the paths, folders with what lies in them; other files are left out. */
export function caseFiles(paths: readonly string[]): string[] {
  const files: string[] = []
  for (const path of paths) {
    if (statSync(path).isDirectory())
      files.push(
        ...caseFiles(
          readdirSync(path)
            .toSorted()
            .map((name) => join(path, name)),
        ),
      )
    else if (isCaseFile(path)) files.push(path)
  }
  return files
}

/** A line that is no case: it is run, and fails. */
const unreadable = (name: string): VectorCase => ({
  name,
  family: 'unreadable',
  api: 'dsl',
  config: {},
  steps: [{ op: 'unreadable' }],
  inputs: [],
  describe: '',
  outputs: {},
  dropped: [],
  stores: {},
})

/** The cases of a file, in its order. */
export function readCases(file: string): VectorCase[] {
  const bytes = readFileSync(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return []
    try {
      return [JSON.parse(line) as VectorCase]
    } catch {
      return [unreadable(`${file}:${i + 1}`)]
    }
  })
}
