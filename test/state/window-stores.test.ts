import { MemoryDatabase } from '../../src/state/memory-database.js'
import { windowStoreContract } from '../contract/window-store-contract.js'
import { levelFolder } from './level-folder.js'

windowStoreContract('memory', async () => new MemoryDatabase())
windowStoreContract('leveldb', levelFolder())
