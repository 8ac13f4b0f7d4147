// Closing goes on where a part of it fails: what comes after would stay open for good.
import type { TaskDatabases } from './task-stores.js'

/** Runs all of `closings`. @throws what the first one that failed threw, at the end */
export function closeAll(closings: Iterable<() => void>): void {
  let failure: { readonly error: unknown } | undefined
  for (const close of closings)
    try {
      close()
    } catch (error) {
      failure ??= { error }
    }
  if (failure !== undefined) throw failure.error
}

/** Closes a task, then its databases, whose locks would stay otherwise. @throws what that throws */
export async function closeWithDatabases(
  task: { close(): void },
  { leveldb, memory }: TaskDatabases,
): Promise<void> {
  try {
    task.close()
  } finally {
    await leveldb?.close()
    await memory?.close()
  }
}
