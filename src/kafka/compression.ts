// The four codecs of record batches. gzip is Node's; snappy and LZ4 are read by our own decoders;
// zstd is Node's where it has it (22.15 and later), else the optional package fzstd.
import { createRequire } from 'node:module'
import * as zlib from 'node:zlib'
import { ConfigError } from '../errors.js'
import { asBuffer, corrupt } from './batch-header.js'
import { decompressLz4 } from './lz4.js'
import { decompressSnappy } from './snappy.js'

type Decompress = (bytes: Uint8Array) => Uint8Array

/** A batch may not grow beyond this, whatever it says about itself. */
export const maxDecompressedBytes = 1 << 30

let zstd: Decompress | undefined

function decompressZstd(bytes: Uint8Array): Uint8Array {
  zstd ??= loadZstd()
  return zstd(bytes)
}

function loadZstd(): Decompress {
  const builtIn = (zlib as { zstdDecompressSync?: (b: Uint8Array, o: object) => Uint8Array })
    .zstdDecompressSync
  if (builtIn !== undefined)
    return (bytes) => builtIn(bytes, { maxOutputLength: maxDecompressedBytes })
  try {
    const { decompress } = createRequire(import.meta.url)('fzstd') as { decompress: Decompress }
    return decompress
  } catch (cause) {
    throw new ConfigError(
      'a topic is compressed with zstd, which this release of Node cannot read: install the package fzstd (npm install fzstd), or use Node 22.15 or later',
      { cause },
    )
  }
}

const names = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

const decoders: readonly (Decompress | undefined)[] = [
  undefined,
  (bytes) => zlib.gunzipSync(bytes, { maxOutputLength: maxDecompressedBytes }),
  decompressSnappy,
  decompressLz4,
  decompressZstd,
]

/**
 * The decompressed records of a batch; `codec` is the number in its attributes.
 * @throws ConfigError when the codec has to be installed, KafkaError when the bytes are not valid.
 */
export function decompress(codec: number, bytes: Uint8Array): Buffer {
  const decoder = decoders[codec]
  if (decoder === undefined) throw corrupt(`compression ${codec} is not known`)
  try {
    return asBuffer(decoder(bytes))
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw corrupt(`its ${names[codec]} data cannot be decompressed`, { cause })
  }
}

/** The bytes from `from` on compressed, behind as much room as there was before them. */
export function compressGzip(bytes: Buffer, from: number): Buffer {
  const packed = zlib.gzipSync(bytes.subarray(from))
  const result = Buffer.allocUnsafeSlow(from + packed.length)
  result.set(packed, from)
  return result
}
