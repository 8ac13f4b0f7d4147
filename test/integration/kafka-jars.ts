// Finds or fetches what a real broker needs: Java and Kafka's jars, kept in a cache outside of the
// repository. Nothing here throws for a missing part: the caller decides whether that is a failure.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The release that the tests start. */
export const kafkaVersion = '4.1.0'

const artifacts = [
  ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
  ['org.apache.kafka', 'kafka-tools', kafkaVersion],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.24.3'],
] as const

export type KafkaJars =
  | { readonly kind: 'jars'; readonly classpath: string }
  | { readonly kind: 'missing'; readonly reason: string }

const cacheFolder = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'millrace-kafka')

const pom = (): string => `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka-jars</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>${artifacts
    .map(
      ([group, artifact, version]) =>
        `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
    )
    .join('')}</dependencies>
</project>
`

/** The major version of the `java` on the path, `undefined` when there is none. */
function javaVersion(): number | undefined {
  const { status, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const found = status === 0 ? /version "(\d+)/.exec(stderr)?.[1] : undefined
  return found === undefined ? undefined : Number(found)
}

const remedy =
  'On Debian: apt-get install default-jre-headless maven. Or set KAFKA_BROKERS=host:port to use a broker that runs.'

/** Jars from the cache, else by Maven into the cache (54 MB, some seconds). */
export async function findKafkaJars(): Promise<KafkaJars> {
  const java = javaVersion()
  if (java === undefined) return { kind: 'missing', reason: `java is not on the path. ${remedy}` }
  if (java < 17)
    return {
      kind: 'missing',
      reason: `java ${java} is too old, Kafka needs 17 or later. ${remedy}`,
    }
  const folder = join(cacheFolder(), kafkaVersion)
  const libs = join(folder, 'libs')
  const classpath = join(libs, '*')
  if (existsSync(libs)) return { kind: 'jars', classpath }
  if (spawnSync('mvn', ['-v']).status !== 0)
    return { kind: 'missing', reason: `mvn is not on the path and ${libs} is empty. ${remedy}` }
  // Copied aside and renamed, so that two runs at once or a broken download leave nothing half done.
  const partial = join(folder, `partial-${process.pid}`)
  mkdirSync(partial, { recursive: true })
  try {
    writeFileSync(join(partial, 'pom.xml'), pom())
    process.stdout.write(`fetching Kafka ${kafkaVersion} with Maven into ${libs}\n`)
    await run(
      'mvn',
      ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${join(partial, 'libs')}`],
      { cwd: partial, timeout: 300_000, maxBuffer: 1 << 24 },
    )
    if (readdirSync(join(partial, 'libs')).length === 0) throw new Error('Maven copied nothing')
    if (!existsSync(libs)) renameSync(join(partial, 'libs'), libs)
  } catch (error) {
    if (!existsSync(libs))
      return { kind: 'missing', reason: `Maven could not fetch Kafka's jars: ${String(error)}` }
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
  return { kind: 'jars', classpath }
}
