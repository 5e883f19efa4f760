/** The shards of a run as its plans have them, which whoever works on the run, and every retry, goes by. */
import { isDeepStrictEqual } from 'node:util';
import { IntegrityError } from '../shared/errors.ts';
import { readPlan } from '../shared/listing/shardPlan.ts';
import { commitKey, planKey } from '../shared/run/runKeys.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import type { ShardCommit } from '../shared/run/shardCommit.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { Verification } from './verification.ts';

/**
 * One for each place, in order, with the number of the shard that counts there; undefined where the plan cannot be
 * read, which is among the problems then.
 */
export async function* plannedSpecs(
  { store, run, problems, signal }: Verification,
  { listings, shardAt }: RunShards,
): AsyncGenerator<ShardSpec | undefined, void, undefined> {
  for (const { planId, firstPlace, shards } of listings) {
    const key = planKey(planId);
    let within = 0;
    try {
      for await (const { spec } of readPlan(store, planId, signal)) {
        if (within === shards) {
          problems.add('plan', key, `plan has more shards than the ${shards} of its listing`);
          break;
        }
        const index = shardAt(firstPlace + within);
        within++;
        yield { ...spec, runId: run.runId, index };
      }
      if (within < shards) problems.add('plan', key, `plan has ${within} shards, expected ${shards}`);
    } catch (error) {
      if (error instanceof IntegrityError && error.code === 'no-plan')
        problems.add('missing-file', key, 'plan of the run is missing');
      else problems.addDamaged(key)(error);
    }
    for (; within < shards; within++) yield undefined;
  }
}

/** A commit is of the shard that was planned. */
export function comparePlanned(
  { problems }: Verification,
  planned: ShardSpec | undefined,
  { spec }: ShardCommit,
): void {
  if (planned === undefined || isDeepStrictEqual(planned, spec)) return;
  const [expected, found] = [planned, spec].map((shard) => JSON.stringify(shard));
  problems.add('plan', commitKey(spec.index), `plan has ${expected}, commit is of ${found}`);
}
