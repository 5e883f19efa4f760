import {
  createShardPlanner,
  type PlannedShard,
  type ShardLimits,
  type SubjectSize,
} from '../../src/producer/shardPlanner.ts';

/** The plan for a whole corpus at once. */
export function planShards(subjects: Iterable<SubjectSize>, limits: ShardLimits): PlannedShard[] {
  const planner = createShardPlanner(limits);
  const shards: PlannedShard[] = [];
  for (const subject of subjects) {
    const closed = planner.add(subject);
    if (closed !== undefined) shards.push(closed);
  }
  const last = planner.finish();
  if (last !== undefined) shards.push(last);
  return shards;
}
