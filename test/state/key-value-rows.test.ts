import { MemoryDatabase } from '../../src/state/memory-database.js'
import { keyValueStoreContract } from '../contract/key-value-store-contract.js'
import { levelFolder } from './level-folder.js'

keyValueStoreContract('memory', async () => new MemoryDatabase())
keyValueStoreContract('LevelDB', levelFolder())
