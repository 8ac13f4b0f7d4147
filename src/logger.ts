// What the runtime says. The interface is the one that pino, winston and the console fit.

/** Takes structured fields first and a message second, as pino does. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Warnings and errors to stderr, one line each; lifecycle lines too when `verbose`. */
export const consoleLogger = (options: { readonly verbose?: boolean } = {}): Logger => {
  const line =
    (level: string) =>
    (fields: object, message: string): void => {
      const rest = Object.entries(fields).map(([name, value]) => `${name}=${describe(value)}`)
      process.stderr.write(`${level} ${message}${rest.length ? ` (${rest.join(', ')})` : ''}\n`)
    }
  return {
    debug() {},
    info: options.verbose ? line('info') : () => {},
    warn: line('warn'),
    error: line('error'),
  }
}

const describe = (value: unknown): string => {
  if (value instanceof Error) return value.message
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined')
}
