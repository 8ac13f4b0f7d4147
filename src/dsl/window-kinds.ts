// All windows under one name, for completion: `windows.tumbling({ … })`.
export { hopping, session, sliding, tumbling, unlimited } from './windows.js'
