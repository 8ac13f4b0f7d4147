// Keeps the shape of `src`: which folder may import which, one door per package, and files that
// open with what they are. A failing case says what to move, not how to widen the list.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const src = fileURLToPath(new URL('../src', import.meta.url))

/** The arrows of the architecture: a folder and what it may import besides the leaves. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  serde: [],
  metrics: [],
  kafka: ['serde'], // its interfaces only, see below
  state: ['serde'],
  'claim-check': ['serde'],
  topology: ['state', 'serde'],
  dsl: ['topology', 'state', 'serde'],
  embedded: ['kafka', 'state'],
  runtime: ['topology', 'state', 'serde', 'kafka', 'metrics'],
  query: ['runtime', 'state', 'serde'],
  rx: ['dsl', 'runtime'],
  testing: ['runtime', 'topology', 'state', 'serde', 'kafka', 'embedded', 'metrics'],
}
const leaves = ['errors.ts', 'clock.ts', 'logger.ts']

/** The only file that may import a package. */
const doors: Readonly<Record<string, string>> = {
  kafkajs: 'kafka/kafkajs-bridge.ts',
  level: 'state/level-database.ts',
  'classic-level': 'state/level-database.ts',
  avsc: 'serde/avro-serde.ts',
  'prom-client': 'metrics/prometheus-metrics.ts',
  rxjs: 'rx/',
}

/** Fluent types return each other, and so make each other: none is used before all are loaded. */
const fluent = [
  'branched-kstream',
  'cogrouped-kstream',
  'kgrouped-stream',
  'kgrouped-table',
  'kstream',
  'ktable',
  'stream-join-args',
  'windowed-kstream',
].map((name) => `dsl/${name}.ts`)

interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

const files = (readdirSync(src, { recursive: true }) as string[])
  .filter((path) => path.endsWith('.ts') && statSync(join(src, path)).isFile())
  .map((path): SourceFile => {
    const text = readFileSync(join(src, path), 'utf8')
    const imports = [...text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map(
      (m) => m[1] ?? '',
    )
    return { path: path.split('\\').join('/'), text, imports }
  })

const folderOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : '')

/** The file in `src` that a relative import means. */
const target = (file: SourceFile, specifier: string): string =>
  posix.join(dirname(file.path), specifier).replace(/\.js$/, '.ts')

const relativeImports = files.flatMap((file) =>
  file.imports
    .filter((i) => i.startsWith('.'))
    .map((i) => ({ from: file.path, to: target(file, i) })),
)

/** What a file makes the engine load: all that it imports but for its `import type` statements. */
const loadedBy = new Map(
  files.map((file) => {
    const statements = file.text.matchAll(/^(?:import|export) (?!type )[^';]*'(\.[^']+)'$/gm)
    return [file.path, Array.from(statements, (m) => target(file, m[1] ?? ''))]
  }),
)

/** Whether loading a file leads back to it. */
function inCircle(path: string): boolean {
  const reached = new Set<string>()
  const waiting = [path]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    for (const loaded of loadedBy.get(next) ?? [])
      if (!reached.has(loaded)) {
        reached.add(loaded)
        waiting.push(loaded)
      }
  return reached.has(path)
}

describe('the sources', () => {
  it('import along the arrows only', () => {
    const wrong = relativeImports.filter(({ from, to }) => {
      const [folder, other] = [folderOf(from), folderOf(to)]
      if (from === 'index.ts' || folder === other || leaves.includes(to)) return false
      return !arrows[folder]?.includes(other)
    })
    expect(wrong).toEqual([])
  })

  it('have leaves that import nothing but leaves', () => {
    const wrong = relativeImports.filter(
      ({ from, to }) => leaves.includes(from) && !leaves.includes(to),
    )
    expect(wrong).toEqual([])
  })

  it('take from serde only its interfaces where the log is', () => {
    const wrong = relativeImports.filter(
      ({ from, to }) =>
        folderOf(from) === 'kafka' &&
        folderOf(to) === 'serde' &&
        !['serde/record-headers.ts', 'serde/serde.ts'].includes(to),
    )
    expect(wrong).toEqual([])
  })

  it('load each other in no circle but that of the fluent types', () => {
    expect(files.map((f) => f.path).filter(inCircle)).toEqual(fluent)
  })

  it('never import an index file', () => {
    expect(relativeImports.filter(({ to }) => /(^|\/)index\.ts$/.test(to))).toEqual([])
  })

  it('import each package through its one door', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter((i) => !i.startsWith('.') && !i.startsWith('node:'))
        .filter((i) => {
          const door = doors[i]
          return door === undefined || !file.path.startsWith(door)
        })
        .map((i) => `${file.path} imports ${i}`),
    )
    expect(wrong).toEqual([])
  })

  it('open with a comment that says what the file is', () => {
    const wrong = files.filter(({ text }) => !/^(\/\/ |\/\*\*)/.test(text)).map((f) => f.path)
    expect(wrong).toEqual([])
  })

  it('hold one idea each: at most about 450 lines', () => {
    const long = files
      .map((f) => ({ path: f.path, lines: f.text.split('\n').length }))
      .filter((f) => f.lines > 500)
    expect(long).toEqual([])
  })

  it('export no class whose name says nothing', () => {
    const wrong = files.filter((f) =>
      /(^|\/)(utils?|helpers?|misc|common)\.ts$|(Impl|-impl)\.ts$/.test(f.path),
    )
    expect(wrong.map((f) => f.path)).toEqual([])
  })

  it('are read from the repository', () => {
    expect(relative(process.cwd(), src)).toBe('src')
    expect(files.length).toBeGreaterThan(20)
  })
})
