// The program's log lines as a live view can show them: warnings one at a time, errors at once.

export class Messages {
  /** The latest warning. */
  last = ''

  debug(): void {}
  info(): void {}

  warn(_fields: object, message: string): void {
    // Dropped records are what the example is about; the view has their number.
    if (!message.startsWith('dropped')) this.last = message
  }

  error(fields: object, message: string): void {
    process.stderr.write(`${message} ${JSON.stringify(fields)}\n`)
  }
}
