// Says at the end of a run which tests were skipped, by reason: what did not run must not look as if
// it had passed.
import type { Reporter, TestModule, Vitest } from 'vitest/node'

/** A reporter for vitest, beside another one. */
export default class SkippedTests implements Reporter {
  #filtered = false

  onInit(vitest: Vitest): void {
    // `-t` skips whatever it does not name.
    this.#filtered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (this.#filtered) return
    const byReason = new Map<string, string[]>()
    for (const module of modules)
      for (const test of module.children.allTests('skipped')) {
        const result = test.result()
        const reason = (result.state === 'skipped' && result.note) || 'no reason given'
        const name = `${module.relativeModuleId}: ${test.fullName}`
        byReason.set(reason, [...(byReason.get(reason) ?? []), name])
      }
    if (byReason.size === 0) return
    const line = '!'.repeat(100)
    const parts = [...byReason].map(([reason, names]) => [`SKIPPED: ${reason}`, ...names])
    process.stderr.write(`${line}\n${parts.map((p) => `${p.join('\n  ')}\n`).join('')}${line}\n`)
  }
}
