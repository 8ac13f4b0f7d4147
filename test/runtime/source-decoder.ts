// A decoder of the topic `in` for tests: keys are texts, nulls pass, and what a serde refuses is dropped.
import { string } from '../../src/index.js'
import { SourceDecoder } from '../../src/runtime/source-decoder.js'
import type { Deserializer } from '../../src/serde/serde.js'

export const sourceDecoder = (
  value: Deserializer<unknown>,
  timestamp?: () => number,
): SourceDecoder =>
  new SourceDecoder(
    {
      kind: 'source',
      name: 'source',
      topics: ['in'],
      key: string(),
      value,
      nullKey: 'pass',
      nullValue: 'pass',
      timestamp,
      offsetReset: undefined,
    },
    'in',
    0,
    {
      taskId: '0_0',
      handlers: { deserialization: () => 'continue' },
      drop() {},
      deadLetter() {},
    },
  )
