// The topics of the example: names with their serdes, shared by the pipeline and what feeds and reads it.
import { json, required, string, topic } from 'millrace'
import type { Alert, EnrichedMeasurement, Plant, PlantEvent, Sensor, WindowMean } from './events.js'

export const plantTopic = (plant: Plant) =>
  topic(`plant-${plant}`, { key: required(string()), value: json<PlantEvent>() })
export const sensorsTopic = topic('sensors', { key: string(), value: json<Sensor>() })
export const alertsTopic = topic('alerts', { key: string(), value: json<Alert>() })
export const enrichedTopic = topic('enriched', {
  key: string(),
  value: json<EnrichedMeasurement>(),
})
export const averagesTopic = topic('averages', { key: string(), value: json<WindowMean>() })
export const hoppingTopic = topic('averages-hopping', { key: string(), value: json<WindowMean>() })
