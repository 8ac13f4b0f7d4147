// The versions of one key, newest first. Histories are never changed, only replaced.

export interface Version {
  readonly timestampMs: number
  /** Null is a deletion. */
  readonly bytes: Uint8Array | null
}

export type History = readonly Version[]

/** A version with the time at which the next one begins; `undefined` while it is the latest. */
export interface FoundVersion {
  readonly timestampMs: number
  readonly bytes: Uint8Array
  readonly validToMs: number | undefined
}

/**
 * Puts a version in its place; one of the same time is replaced. `nextMs` is `undefined` for the
 * latest. A deletion at the very time of the only version takes that away and leaves nothing, so
 * that an older put is the latest again (RocksDBVersionedStore keeps no row for it).
 */
export function withVersion(
  history: History,
  version: Version,
): { readonly history: History; readonly nextMs: number | undefined } {
  let at = 0
  while (at < history.length && history[at]!.timestampMs > version.timestampMs) at++
  const same = history[at]?.timestampMs === version.timestampMs
  if (same && history.length === 1 && version.bytes === null && history[0]!.bytes !== null)
    return { history: [], nextMs: undefined }
  return {
    history: [...history.slice(0, at), version, ...history.slice(same ? at + 1 : at)],
    nextMs: at === 0 ? undefined : history[at - 1]!.timestampMs,
  }
}

/** Drops what nobody can ask for any more: versions that ended before `fromMs`, and a deletion as old. */
export function withoutExpired(history: History, fromMs: number): History {
  let end = history.length
  while (end > 1 && history[end - 2]!.timestampMs < fromMs) end--
  const last = history[end - 1]
  if (end === 1 && last!.bytes === null && last!.timestampMs < fromMs) end = 0
  return end === history.length ? history : history.slice(0, end)
}

/** The version valid at a time, `undefined` where there is none or it is a deletion. */
export function versionAt(history: History, atMs: number): FoundVersion | undefined {
  for (let i = 0; i < history.length; i++) {
    const { timestampMs, bytes } = history[i]!
    if (timestampMs > atMs) continue
    if (bytes === null) return undefined
    return { timestampMs, bytes, validToMs: i === 0 ? undefined : history[i - 1]!.timestampMs }
  }
  return undefined
}
