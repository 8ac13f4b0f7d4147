// What is to be restored of the stores of a task: asks the log about their changelogs, for the rules of
// changelog-plan.ts.
import type { Clock } from '../clock.js'
import { OffsetLostError } from '../errors.js'
import { partitionKey, type Admin, type CommittedOffset } from '../kafka/client.js'
import type { StoreSpec } from '../state/state-store.js'
import { parseTaskId } from '../topology/task-id.js'
import { planRestore, type ChangelogPlan } from './changelog-plan.js'
import type { Checkpoint } from './checkpoint.js'
import type { TopicNames } from './task-environment.js'

export interface StorePlan {
  readonly spec: StoreSpec
  readonly topic: string
  readonly partition: number
  readonly topicId: string | undefined
  /** Whether the changelog is the store's own, not a source topic. */
  readonly own: boolean
  readonly plan: Exclude<ChangelogPlan, { readonly lost: string }>
}

export interface RestorePlansOptions {
  readonly taskId: string
  readonly names: TopicNames
  readonly clock: Clock
  readonly admin: Admin
  /** What an earlier run left. */
  readonly checkpoint: Checkpoint
  /** The input offsets of the group, by partition. */
  readonly committed: ReadonlyMap<string, CommittedOffset>
  readonly onOffsetLost: 'fail' | 'reset'
}

/**
 * A plan for each store that has a changelog.
 * @throws OffsetLostError where the changelog is gone, and the local store may be the only copy left
 */
export async function restorePlans(
  stores: readonly StoreSpec[],
  o: RestorePlansOptions,
): Promise<StorePlan[]> {
  const { taskId, names, clock, admin, checkpoint, committed } = o
  const { partition } = parseTaskId(taskId)!
  const logged = stores
    .filter((s) => s.logging !== false || names.hasSourceChangelog(s.name))
    .map((spec) => ({ spec, topic: names.changelog(spec.name), partition }))
  if (logged.length === 0) return []
  // The end is the high watermark also under exactly-once: a commit marker may still be on its way.
  const latest = await admin.offsets(logged, 'latest')
  const earliest = await admin.offsets(logged, 'earliest')
  const descriptions = await admin.describeTopics([...new Set(logged.map((l) => l.topic))])
  const plans: StorePlan[] = []
  for (const { spec, topic } of logged) {
    const key = partitionKey({ topic, partition })
    const topicId = descriptions.get(topic)?.topicId
    const stored = spec.engine === 'memory' ? undefined : checkpoint.changelogs.get(spec.name)
    const isSource = names.hasSourceChangelog(spec.name)
    const nowMs = clock.nowMs()
    const plan = planRestore(
      {
        store: spec.name,
        topic,
        partition,
        topicId,
        earliest: earliest.get(key) ?? 0,
        latest: latest.get(key) ?? 0,
        stored,
        deleteRetentionMs:
          stored === undefined || nowMs - stored.atMs < youngMs
            ? undefined
            : await deleteRetentionMs(admin, topic),
        inputsCommitted: committed.size > 0 || checkpoint.inputs.size > 0,
        committedInput: committed.get(key)?.offset,
        isSource,
        nowMs,
      },
      o.onOffsetLost,
    )
    if ('lost' in plan) throw new OffsetLostError(plan.lost, { task: taskId })
    plans.push({ spec, topic, partition, topicId, own: !isSource, plan })
  }
  return plans
}

/** Of younger rows nobody asks how long tombstones stay: the default is a day. */
const youngMs = 60_000

async function deleteRetentionMs(admin: Admin, topic: string): Promise<number | undefined> {
  const configs = await admin.topicConfigs(topic)
  if (!(configs['cleanup.policy'] ?? '').includes('compact')) return undefined
  return Number(configs['delete.retention.ms'] ?? 86_400_000)
}
