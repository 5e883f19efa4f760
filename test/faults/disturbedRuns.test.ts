/** What happens to a run that is disturbed in one stated way: real processes, a real Redis, a real store. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { writeUntrainedFraModel } from '../helpers/untrainedFraModel.ts';
import { assertSameRun } from './compareRuns.ts';
import { sharedTinyCorpus } from './corpora.ts';
import { committed, type Fleet, untilCommitted, withFleet } from './fleet.ts';
import { ONLY_IN_FULL } from './full.ts';

const SHARDS = 16;
const tiny = sharedTinyCorpus(SHARDS);
const inFolder = (run: (fleet: Fleet) => Promise<void>) =>
  withFleet({ store: 'folder', corpus: tiny() }, run);

/**
 * A fleet on S3 whose producers are held back until both have planned a run and want to write its run.json: without
 * that, one is nearly always done before the other has begun.
 */
const withRivalProducers = (run: (fleet: Fleet) => Promise<void>) =>
  withFleet({ store: { conditionalPuts: true }, corpus: tiny() }, async (fleet) => {
    let open = (): void => {};
    const until = new Promise<void>((resolve) => {
      open = resolve;
    });
    let planned = 0;
    fleet.proxy!.faultOf = ({ method, path }) => {
      if (method !== 'PUT' || !path.includes('/run/run.json')) return undefined;
      if (++planned === 2) open();
      return { kind: 'hold', until };
    };
    await run(fleet);
    assert.ok(planned >= 2, 'both have planned a run');
  });

/** attemptId by shard. */
async function attempts(direct: ObjectStore): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const shard of await committed(direct)) {
    found.set(shard, (await readShardCommit(direct, shard))!.attemptId);
  }
  return found;
}

/** Submits, works until some shards are committed, and kills the worker. */
async function breakOff({ submit, startWorker, direct }: Fleet, shards: number): Promise<void> {
  const submitted = await submit();
  assert.equal(submitted.code, 0, submitted.stderr);
  const worker = startWorker();
  await untilCommitted(direct, shards, worker);
  worker.child.kill('SIGKILL');
  await worker.done;
}

test('after Redis was emptied the same command queues only what is not committed, and finishes the run', () =>
  inFolder(async (fleet) => {
    const { redis, direct, corpus } = fleet;
    await breakOff(fleet, 5);
    await redis.empty();
    const before = await attempts(direct);
    const submitted = await fleet.submit('--json');
    const { queued, skipped } = JSON.parse(submitted.stdout) as { queued: number; skipped: number };
    assert.deepEqual([queued, skipped], [SHARDS - before.size, before.size]);
    const worked = await fleet.startWorker().done;
    assert.equal(worked.code, 0, worked.stderr);
    const after = await attempts(direct);
    for (const [shard, attempt] of before)
      assert.equal(after.get(shard), attempt, `shard ${shard} was redone`);
    await assertSameRun(direct, corpus.expected);
  }));

test('after Redis was emptied under a worker, the worker queues what is missing and finishes the run alone', () =>
  inFolder(async ({ submit, startWorker, redis, direct, corpus }) => {
    assert.equal((await submit()).code, 0);
    const worker = startWorker();
    await untilCommitted(direct, 4, worker);
    await redis.empty();
    const before = await attempts(direct);
    const { code, stderr } = await worker.done;
    assert.equal(code, 0, stderr);
    const after = await attempts(direct);
    for (const [shard, attempt] of before)
      assert.equal(after.get(shard), attempt, `shard ${shard} was redone`);
    await assertSameRun(direct, corpus.expected);
  }));

test('two producers that submit the same run at once submit one run', ONLY_IN_FULL, () =>
  withRivalProducers(async ({ submit, startWorker, direct, corpus }) => {
    const both = await Promise.all([submit('--json'), submit('--json')]);
    const runs = new Set<unknown>();
    for (const { code, stdout, stderr } of both) {
      assert.equal(code, 0, stderr);
      runs.add((JSON.parse(stdout) as { runId: string }).runId);
    }
    assert.equal(runs.size, 1);
    const { code, stderr } = await startWorker().done;
    assert.equal(code, 0, stderr);
    await assertSameRun(direct, corpus.expected);
  }),
);

test('of two runs that want the same OUT at once one gets it, the other is refused with the difference', () =>
  withRivalProducers(async ({ submit, startWorker, direct }) => {
    const both = await Promise.all([submit('--seed', '1'), submit('--seed', '2')]);
    assert.deepEqual(
      both.map(({ code }) => code).sort(),
      [0, 2],
      both.map(({ stderr }) => stderr).join('\n'),
    );
    const refused = both.find(({ code }) => code === 2)!;
    assert.match(refused.stderr, /OUT holds another run: seed: ([12]) there, (?!\1)[12] asked/);
    assert.equal((await startWorker().done).code, 0);
    assert.equal((await committed(direct)).length, SHARDS);
  }));

test(
  'a run that was broken off is not resumed with another configuration, corpus or weights',
  ONLY_IN_FULL,
  () =>
    inFolder(async (fleet) => {
      const { submit, start, out, corpus, direct } = fleet;
      await breakOff(fleet, 2);

      const more = await submit('--variants', '3');
      assert.equal(more.code, 2, more.stderr);
      assert.match(more.stderr, /OUT holds another run: variants: 2 there, 3 asked/);

      const list = await readFile(corpus.corpus, 'utf8');
      await writeFile(corpus.corpus, `${list}face-new,person-new,1.png\n`);
      const grown = await submit();
      assert.equal(grown.code, 2, grown.stderr);
      assert.match(grown.stderr, /the corpus has changed since: faces: 16 there, 17 asked/);
      await writeFile(corpus.corpus, list);

      const fra = join(corpus.corpus, '..', 'fra');
      const { recognizer } = JSON.parse(await readFile(join(fra, 'card.json'), 'utf8'));
      const card = await readFile(join(fra, 'card.json'), 'utf8');
      await writeUntrainedFraModel(fra, { recognizer, combiner: { depth: 1, mlpDim: 32 }, seed: 1 });
      assert.notEqual(await readFile(join(fra, 'card.json'), 'utf8'), card);
      const retrained = await submit();
      assert.equal(retrained.code, 2, retrained.stderr);
      assert.match(retrained.stderr, /OUT holds another run: fra: .*digest.* there, .*digest.* asked/);
      const worked = await start('work', out).done;
      assert.equal(worked.code, 2, worked.stderr);
      assert.match(worked.stderr, /model fra differs from the one the run was planned with/);
      assert.ok((await committed(direct)).length < SHARDS, 'nothing was done with other weights');

      await writeUntrainedFraModel(fra, { recognizer, combiner: { depth: 1, mlpDim: 32 } });
      assert.equal((await submit()).code, 0);
      assert.equal((await start('work', out, '--threads', '1').done).code, 0);
      await assertSameRun(direct, corpus.expected);
    }),
);
