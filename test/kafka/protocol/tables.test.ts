// The tables against Kafka's own description of its messages, version by version, where its jar is
// at hand: names, kinds, versions, tags and order.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Api } from '../../../src/kafka/protocol/api.js'
import type { Field, Shape } from '../../../src/kafka/protocol/schema.js'
import { kafkaVersion } from '../../integration/kafka-jars.js'
import { allApis } from '../fake-broker.js'

interface Described {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly tag?: number
  readonly taggedVersions?: string
  readonly fields?: readonly Described[]
}

interface Message {
  readonly apiKey: number
  readonly flexibleVersions: string
  readonly fields: readonly Described[]
  readonly commonStructs?: readonly Described[]
}

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'millrace-kafka')
const folder = process.env['KAFKA_LIBS'] ?? join(cache, kafkaVersion, 'libs')
const jar = existsSync(folder)
  ? readdirSync(folder).find((f) => /^kafka-clients-.*\.jar$/.test(f))
  : undefined

/** The files of a zip archive whose names start with `prefix`, by the central directory. */
function unzip(archive: Buffer, prefix: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  const end = archive.lastIndexOf(Buffer.from('504b0506', 'hex'))
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const packed = archive.readUInt32LE(at + 20)
    const nameLength = archive.readUInt16LE(at + 28)
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength)
    if (name.startsWith(prefix)) {
      const local = archive.readUInt32LE(at + 42)
      const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
      const bytes = archive.subarray(from, from + packed)
      const stored = archive.readUInt16LE(at + 10) === 0
      files.set(name, (stored ? bytes : inflateRawSync(bytes)).toString('utf8'))
    }
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return files
}

const messages = jar ? unzip(readFileSync(join(folder, jar)), 'common/message/') : new Map()

const messageOf = (name: string): Message => {
  const text = messages.get(`common/message/${name}.json`) as string
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, '')) as Message
}

const within = (versions: string, version: number): boolean => {
  if (versions === 'none') return false
  const [, from = '0', plus, to] = /^(\d+)(\+)?(?:-(\d+))?$/.exec(versions) ?? []
  return version >= Number(from) && (plus !== undefined || version <= Number(to ?? from))
}

/** What is on the wire at a version, as text. */
const described = (message: Message, fields: readonly Described[], version: number): string[] => {
  const struct = (f: Described): readonly Described[] | undefined =>
    f.fields ?? message.commonStructs?.find((s) => s.name === f.type.replace('[]', ''))?.fields
  return fields
    .filter((f) => within(f.taggedVersions ?? f.versions, version))
    .map((f) => {
      const name = f.name.replace('V3AndBelow', '')
      const tag = f.tag === undefined ? '' : `#${f.tag}`
      const inner = struct(f)
      const kind = inner
        ? `${f.type.startsWith('[]') ? '[]' : ''}{${described(message, inner, version).join(' ')}}`
        : f.type
      return `${name[0]?.toLowerCase()}${name.slice(1)}${tag}:${kind}`
    })
}

const ours = (shape: Shape, version: number): string[] =>
  Object.entries(shape)
    .filter(([, f]) => version >= f.from && version <= f.to)
    .map(([name, f]) => `${name}${f.tag < 0 ? '' : `#${f.tag}`}:${kindOf(f, version)}`)

const kindOf = (f: Field<unknown>, version: number): string => {
  if (f.kind === 'list') return `[]${kindOf(f.item as Field<unknown>, version)}`
  if (f.kind === 'struct') return `{${ours(f.shape as Shape, version).join(' ')}}`
  return f.kind
}

/** Tagged fields that we have no use for may be left out of a table. */
const essential = (fields: readonly string[]): readonly string[] =>
  fields.filter((f) => !f.includes('#'))

describe('the tables say what Kafka says', () => {
  const cases = allApis.map((api): [string, Api] => [api.name, api])

  it.for(cases)('%s', ([name, api], { skip }) => {
    skip(jar === undefined, `the real-broker tests have not fetched Kafka's jars into ${folder}`)
    const request = messageOf(`${name}Request`)
    const response = messageOf(`${name}Response`)
    expect(api.key).toBe(request.apiKey)
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      expect(version >= api.flexibleFrom).toBe(within(request.flexibleVersions, version))
      for (const [shape, message] of [
        [api.request, request],
        [api.response, response],
      ] as const)
        expect(essential(ours(shape, version)), `v${version}`).toEqual(
          essential(described(message, message.fields, version)),
        )
    }
  })
})
