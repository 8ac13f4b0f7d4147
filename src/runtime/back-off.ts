// How long to wait before the next attempt.

/** Doubling delays from `firstMs` up to `maxMs`; `reset` after a success. */
export function backOff(firstMs = 50, maxMs = 10_000): { next(): number; reset(): void } {
  let delayMs = 0
  return {
    next() {
      delayMs = delayMs === 0 ? firstMs : Math.min(maxMs, delayMs * 2)
      return delayMs
    },
    reset() {
      delayMs = 0
    },
  }
}
