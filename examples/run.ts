// `npm run example -- NAME [--seconds N] [--brokers HOST:PORT] …`: runs the example of that folder.
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseOptions, type ExampleOptions } from './support/options.js'

interface ExampleModule {
  readonly default: (options: ExampleOptions) => Promise<number>
}

const folder = dirname(fileURLToPath(import.meta.url))
const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'main.js')))

/** Runs an example to its end and sets the exit code. */
export async function runExample(name: string, args: readonly string[]): Promise<void> {
  try {
    const file = pathToFileURL(join(folder, name, 'main.js')).href
    const { default: main } = (await import(file)) as ExampleModule
    process.exitCode = await main(parseOptions(args))
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    process.exitCode = 1
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name, ...args] = process.argv.slice(2)
  if (name !== undefined && names.includes(name)) await runExample(name, args)
  else {
    const what = name === undefined ? 'an example is missing' : `there is no example '${name}'`
    process.stderr.write(
      `${what}\nusage: npm run example -- NAME [--seconds N] [--brokers HOST:PORT] [--speed N] [--fresh]\nexamples: ${names.join(', ')}\n`,
    )
    process.exitCode = 1
  }
}
