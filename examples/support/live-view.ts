// A few lines of a terminal that are drawn anew in place; plain lines now and then where the output
// is no terminal.

export class LiveView {
  readonly #out: NodeJS.WriteStream
  readonly #everyMs: number
  #drawn = 0
  #lastMs = 0

  constructor(out: NodeJS.WriteStream = process.stdout, plainEveryMs = 2000) {
    this.#out = out
    this.#everyMs = plainEveryMs
  }

  /** Replaces what was drawn before. */
  draw(lines: readonly string[]): void {
    if (!this.#out.isTTY) {
      if (Date.now() - this.#lastMs < this.#everyMs) return
      this.#lastMs = Date.now()
      this.#out.write(`${lines.slice(1, 3).join(' | ')}\n`)
      return
    }
    const width = Math.max(20, (this.#out.columns || 80) - 1) // some terminals say 0
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    this.#out.write(
      `${up}${lines.map((line) => `\x1b[2K${line.slice(0, width)}\n`).join('')}\x1b[J`,
    )
    this.#drawn = lines.length
  }
}

/** 1234567 as `1,234,567`. */
export const grouped = (n: number): string => Math.round(n).toLocaleString('en-US')

/** A count per second, from successive totals. */
export class Rate {
  #total: number | undefined
  #atMs = Date.now()
  #perSecond = 0

  /** The rate since the last call; what was there before the first one does not count. */
  update(total: number): number {
    this.#total ??= total
    const nowMs = Date.now()
    if (nowMs - this.#atMs >= 200) {
      this.#perSecond = ((total - this.#total) * 1000) / (nowMs - this.#atMs)
      this.#total = total
      this.#atMs = nowMs
    }
    return this.#perSecond
  }
}
