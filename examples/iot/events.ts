// The records of the example. All of it is made up: see simulate.ts.
/** A reading; `datetime` is ISO 8601 and is the event time. */
export interface Measurement {
  readonly sensorId: string
  readonly datetime: string
  readonly value: number
}

export interface MotorState {
  readonly motorId: string
  readonly datetime: string
  readonly state: 'running' | 'stopped' | 'error'
}

/** What a plant sends: both kinds share its topic, keyed by sensor or motor. */
export type PlantEvent = Measurement | MotorState

/** Metadata per sensor, in the topic `sensors`. */
export interface Sensor {
  readonly type: string
  readonly unit: string
  readonly plant: string
}

export interface Alert {
  readonly plant: string
  readonly source: string
  readonly datetime: string
  readonly reason: string
}

/** The fold of a window: its mean is `sum / count`. */
export interface Average {
  readonly sum: number
  readonly count: number
}

/** A result in the topics `averages` and `averages-hopping`, keyed by sensor. */
export interface WindowMean {
  readonly plant: string
  readonly fromMs: number
  readonly mean: number
  readonly count: number
}

export interface EnrichedMeasurement extends Measurement {
  readonly type: string
}

export const plants = ['harbour', 'north', 'south'] as const
export type Plant = (typeof plants)[number]

export const isMeasurement = (event: PlantEvent): event is Measurement => 'sensorId' in event

/** Above this a measurement raises an alert. */
export const alertAbove = 800_000
