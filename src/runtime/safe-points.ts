// What has to wait for the end of an iteration: changes of the assignment, above all.

interface Command {
  readonly run: () => Promise<void>
  readonly settle: () => void
}

/** Actions of others that the loop runs between two iterations, in order. */
export class SafePoints {
  readonly #commands: Command[] = []
  readonly #wake: () => void
  #ended = false

  constructor(wake: () => void) {
    this.#wake = wake
  }

  get waiting(): number {
    return this.#commands.length
  }

  /** Resolves when `run` has run, whether it failed or not: failures are the loop's to deal with. */
  at(run: () => Promise<void>): Promise<void> {
    // Once nobody iterates any more, every task is closed anyway.
    if (this.#ended) return Promise.resolve()
    return new Promise((settle) => {
      this.#commands.push({ run, settle })
      this.#wake()
    })
  }

  /** Runs what waits; whether anything did. @throws what the first failing action throws */
  async reached(before: () => Promise<void>): Promise<boolean> {
    let any = false
    for (let command = this.#commands.shift(); command; command = this.#commands.shift()) {
      any = true
      await before()
      try {
        await command.run()
      } finally {
        command.settle()
      }
    }
    return any
  }

  /** Nobody waits any more, now or later. */
  end(): void {
    this.#ended = true
    for (const { settle } of this.#commands.splice(0)) settle()
  }
}
