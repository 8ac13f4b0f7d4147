// The bytes of subscriptions and responses (semantics 8.10).
import { describe, expect, it } from 'vitest'
import {
  answerAlways,
  answerIfThere,
  decodeSubscription,
  responseSerde,
  subscriptionSerde,
  type Subscription,
} from '../../src/dsl/foreign-key-serdes.js'
import { recordHeaders } from '../../src/serde/record-headers.js'
import { string } from '../../src/serde/string-serde.js'

const headers = recordHeaders()
const hash = Uint8Array.from({ length: 16 }, (_, i) => i)
const hashHex = '000102030405060708090a0b0c0d0e0f'
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const subscriptions = subscriptionSerde(string())
const responses = responseSerde(string())

describe('subscriptions', () => {
  const subscription = (o: Partial<Subscription>): Subscription => ({
    instruction: answerIfThere,
    hash,
    leftKey: 'k',
    leftPartition: 0,
    ...o,
  })

  it('have the bytes of Kafka Streams, with and without a hash', () => {
    expect(hex(subscriptions.serialize(subscription({}), 't', headers))).toBe(
      `0103${hashHex}6b00000000`,
    )
    const withoutHash = subscription({ hash: null, instruction: answerAlways, leftPartition: 258 })
    expect(hex(subscriptions.serialize(withoutHash, 't', headers))).toBe('81026b00000102')
  })

  it('are read back as they were written', () => {
    for (const one of [
      subscription({}),
      subscription({ hash: null, leftKey: '', leftPartition: 7 }),
    ])
      expect(
        subscriptions.deserialize(subscriptions.serialize(one, 't', headers), 't', headers),
      ).toEqual(one)
  })

  it('are read in the form without a partition, which older versions of Kafka Streams wrote', () => {
    expect(decodeSubscription(Buffer.from(`0002${hashHex}6b`, 'hex'))).toMatchObject({
      instruction: answerAlways,
      leftPartition: undefined,
    })
  })

  it('refuse what is none, and say so', () => {
    for (const bytes of ['', '01', '0102', '02020000000000', '8109000000006b', `0103${hashHex}`])
      expect(() => subscriptions.deserialize(Buffer.from(bytes, 'hex'), 't', headers)).toThrow(
        /no subscription of a foreign-key join/,
      )
  })
})

describe('responses', () => {
  it('have the bytes of Kafka Streams', () => {
    const bytes = responses.serialize({ hash, value: 'Z', leftPartition: 3 }, 't', headers)
    expect(hex(bytes)).toBe(`00${hashHex}5a`)
    expect(
      hex(responses.serialize({ hash: null, value: null, leftPartition: 3 }, 't', headers)),
    ).toBe('80')
  })

  it('are read back; the partition is not in them', () => {
    for (const value of ['Z', null]) {
      const bytes = responses.serialize({ hash, value, leftPartition: 3 }, 't', headers)
      expect(responses.deserialize(bytes, 't', headers)).toEqual({
        hash,
        value,
        leftPartition: undefined,
      })
    }
  })

  it('refuse what is none', () => {
    for (const bytes of ['', '01', '0001'])
      expect(() => responses.deserialize(Buffer.from(bytes, 'hex'), 't', headers)).toThrow(
        /no response of a foreign-key join/,
      )
  })
})
