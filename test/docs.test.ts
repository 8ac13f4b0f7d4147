// Documents are true to the letter: every TypeScript block of README.md and docs/ is type-checked
// as users write it, and what needs no broker is run. A block that imports from millrace
// begins a program; blocks that follow without a `StreamsBuilder` import continue it.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { configKeys } from '../src/runtime/streams-config.js'
import * as errors from '../src/errors.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const output = join(root, '.cache', 'docs')
const pages = [
  'README.md',
  'UPGRADING.md',
  'benchmarks/README.md',
  'test/vectors/README.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' }).map(
    (name) => `examples/${name.split('\\').join('/')}`,
  ),
]
  .filter((page) => page.endsWith('.md'))
  .sort()

interface Program {
  readonly page: string
  readonly file: string
  readonly text: string
}

function programsOf(page: string): Program[] {
  const text = readFileSync(join(root, page), 'utf8')
  const programs: string[] = []
  for (const [, block = ''] of text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)) {
    const begins = programs.length === 0 || /^import .*StreamsBuilder/m.test(block)
    if (begins) programs.push(block)
    else programs.push(`${programs.pop() ?? ''}\n${block}`)
  }
  return programs.map((program, i) => {
    const name = page.replace(/\.md$/, '').replaceAll('/', '-').toLowerCase()
    return { page, file: join(output, `${name}-${i + 1}.ts`), text: program }
  })
}

const programs = pages.flatMap(programsOf)

beforeAll(() => {
  rmSync(output, { recursive: true, force: true })
  mkdirSync(output, { recursive: true })
  for (const { file, text } of programs) writeFileSync(file, `${text}\nexport {}\n`)
  const config = { extends: '../../tsconfig.json', include: ['./*.ts'], exclude: [] }
  writeFileSync(join(output, 'tsconfig.json'), JSON.stringify(config))
})

describe('the documents', () => {
  it('hold programs that type-check', { timeout: 120_000 }, () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    let errors = ''
    try {
      execFileSync(process.execPath, [compiler, '-p', output], { encoding: 'utf8', stdio: 'pipe' })
    } catch (error) {
      errors = (error as { stdout: string }).stdout
    }
    expect(errors).toBe('')
  })

  it.each(programs.filter((p) => /'millrace\/testing'|= embedded\(/.test(p.text)))(
    'hold a program that runs: $file',
    async ({ file }) => {
      await import(/* @vite-ignore */ pathToFileURL(file).href)
    },
  )

  it('list every configuration key and no other', () => {
    const text = readFileSync(join(root, 'docs/configuration.md'), 'utf8')
    const listed = [...text.matchAll(/^\| (`\w+`(?:, `\w+`)*) /gm)].flatMap(([, cell = '']) =>
      cell.split(', ').map((name) => name.replaceAll('`', '')),
    )
    expect(listed.sort()).toEqual(Object.keys(configKeys).sort())
  })

  it('list every error class with its code', () => {
    const text = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    for (const [name, type] of Object.entries(errors)) {
      if (name === 'StreamsError') continue
      const { code } = new type('')
      expect(text).toMatch(new RegExp(`\\| \`${name}\` +\\| \`${code}\``))
    }
  })

  it('link to files and headings that exist', () => {
    const broken = pages.flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8')
      return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map((match) => match[1] ?? '')
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [path = '', heading] = link.split('#')
          const target = path === '' ? join(root, page) : join(root, dirname(page), path)
          if (!existsSync(target)) return true
          return heading !== undefined && !headingsOf(readFileSync(target, 'utf8')).has(heading)
        })
        .map((link) => `${page}: ${link}`)
    })
    expect(broken).toEqual([])
  })

  it('name files and folders that exist', () => {
    const named = pages.flatMap((page) => {
      const text = readFileSync(join(root, page), 'utf8')
      return [...text.matchAll(/`((?:src|test|docs|examples|benchmarks|scripts)\/[\w./-]+)`/g)]
        .map(([, path = '']) => ({ page, path }))
        .filter(({ path }) => !existsSync(join(root, path)))
    })
    expect(named).toEqual([])
  })
})

const headingsOf = (text: string): Set<string> =>
  new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
