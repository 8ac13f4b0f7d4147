// The parts that a client handed out: they are closed with it, and forgotten when they were closed by
// themselves.

interface Part {
  close(): Promise<void>
}

export class ClientParts {
  readonly #parts = new Set<Part>()

  /** `make` gets what the part calls when it is closed. */
  add<P extends Part>(make: (done: () => void) => P): P {
    const part = make(() => this.#parts.delete(part))
    this.#parts.add(part)
    return part
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#parts, (part) => part.close()))
  }
}
