// `npm run build`: compiles the package to `dist`, from nothing.
import { rebuild } from './prepare.js'

rebuild()
