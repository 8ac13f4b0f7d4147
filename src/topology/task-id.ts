// TaskId: a subtopology over one partition, written "0_3".

/** Which subtopology, and which partition of its source topics. */
export interface TaskId {
  readonly subtopology: number
  readonly partition: number
}

/** The text form, as in logs, directories and metrics: subtopology, underscore, partition. */
export const taskIdText = (id: TaskId): string => `${id.subtopology}_${id.partition}`

/** Reads the text form; `undefined` when it is none. */
export function parseTaskId(text: string): TaskId | undefined {
  const match = /^(\d+)_(\d+)$/.exec(text)
  if (match === null) return undefined
  return { subtopology: Number(match[1]), partition: Number(match[2]) }
}

/** Orders by subtopology, then partition. */
export const compareTaskIds = (a: TaskId, b: TaskId): number =>
  a.subtopology - b.subtopology || a.partition - b.partition
