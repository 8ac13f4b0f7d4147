// `npm run demo`: the plants, without a broker. Same options as every example.
import { runExample } from './run.js'

await runExample('iot', process.argv.slice(2))
