// The suites of `npm test`. The real-broker suite runs alone and after the others: it measures
// nothing, but its time limits should not compete with a busy machine.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// What users write: tests and examples import the package by its name, and get the sources.
const alias = [
  { find: /^millrace$/, replacement: source('./src/index.ts') },
  { find: /^millrace\/testing$/, replacement: source('./src/testing/index.ts') },
]

const suites = {
  types: 'test/types/**/*.test.ts',
  vectors: 'test/vectors/**/*.test.ts',
  simulation: 'test/simulation/**/*.test.ts',
  integration: 'test/integration/**/*.test.ts',
  package: 'test/package/**/*.test.ts',
}

const suite = (name: string, include: string[], options: object = {}) => ({
  resolve: { alias },
  test: {
    name,
    include,
    exclude: ['**/node_modules/**', '**/.cache/**', 'test/types/programs/**'],
    sequence: { groupOrder: 0 },
    ...options,
  },
})

export default defineConfig({
  test: {
    reporters: ['default', './test/skipped-tests.ts'],
    projects: [
      // Loading the sources takes seconds on a busy machine, and the first test of a file waits for it.
      suite('unit', ['test/**/*.test.ts'], {
        exclude: Object.values(suites),
        testTimeout: 30_000,
        hookTimeout: 30_000,
      }),
      suite('types', [suites.types], { testTimeout: 120_000 }),
      suite('vectors', [suites.vectors], { testTimeout: 120_000 }),
      suite('simulation', [suites.simulation], { testTimeout: 300_000 }),
      suite('package', [suites.package], { testTimeout: 300_000, hookTimeout: 300_000 }),
      suite('integration', [suites.integration], {
        globalSetup: ['test/integration/global-setup.ts'],
        fileParallelism: false,
        testTimeout: 60_000,
        hookTimeout: 60_000,
        sequence: { groupOrder: 1 },
      }),
    ],
  },
})
