// Compiles examples, benchmarks and the programs that tests start, when something changed.
import { ensureTools } from './prepare.js'

ensureTools()
