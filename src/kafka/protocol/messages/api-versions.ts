// ApiVersions (18): what a broker speaks. Version 4 also tells features whose minimum is 0, such as
// transaction.version.
import { api } from '../api.js'
import { bool, int16, int32, int64, list, string } from '../schema.js'

export const apiVersions = api({
  name: 'ApiVersions',
  key: 18,
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 3,
  request: {
    clientSoftwareName: string({ from: 3 }),
    clientSoftwareVersion: string({ from: 3 }),
  },
  response: {
    errorCode: int16(),
    apiKeys: list({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32({ from: 1 }),
    supportedFeatures: list(
      {
        name: string({ from: 3 }),
        minVersion: int16({ from: 3 }),
        maxVersion: int16({ from: 3 }),
      },
      { from: 3, tag: 0 },
    ),
    finalizedFeaturesEpoch: int64({ from: 3, tag: 1, or: -1 }),
    finalizedFeatures: list(
      {
        name: string({ from: 3 }),
        maxVersionLevel: int16({ from: 3 }),
        minVersionLevel: int16({ from: 3 }),
      },
      { from: 3, tag: 2 },
    ),
    zkMigrationReady: bool({ from: 3, tag: 3, or: false }),
  },
})
