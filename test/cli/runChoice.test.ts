/** Which run a worker without OUT takes: one that was left is taken again when the reason is gone, and not before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRunChoice, type RunChoice } from '../../src/cli/runChoice.ts';
import { IntegrityError } from '../../src/shared/errors.ts';
import { registerRun } from '../../src/shared/redisRuns.ts';
import type { RunFile } from '../../src/shared/run/runFile.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { planSampleRun } from '../helpers/sampleRun.ts';
import { type TestRedis, withRedis } from '../helpers/services/redis.ts';
import { withFolderStore } from '../helpers/stores.ts';

interface Chosen extends TestRedis {
  readonly choice: RunChoice;
  readonly run: RunFile;
  readonly store: ObjectStore;
  readonly clock: { ms: number };
  /** Lines that were said. */
  readonly said: readonly string[];
}

/** A planned run that Redis knows, none of its shards queued. */
const withChoice = (body: (chosen: Chosen) => Promise<void>) =>
  withRedis((service) =>
    withFolderStore(async (store) => {
      const run = await planSampleRun(store);
      const { runId, createdAt, shards } = run;
      await registerRun(service.redis, { runId, createdAt, shards, out: store.uri });
      const clock = { ms: 0 };
      const said: string[] = [];
      const say = (line: string) => void said.push(line);
      const choice = createRunChoice(service.redis, {}, say, () => clock.ms);
      await body({ ...service, choice, run, store, clock, said });
    }),
  );

test('a damaged run is told once and looked at ever more rarely, at least every ten minutes', () =>
  withChoice(async ({ choice, run, clock, said }) => {
    const looks: number[] = [];
    for (; clock.ms < 3_600_000; clock.ms += 1_000) {
      if ((await choice.next()) === undefined) continue;
      looks.push(clock.ms / 1_000);
      choice.brokeOff(run.runId, new IntegrityError('checksum', 'file is not the one that was committed'));
    }
    assert.deepEqual(
      looks.slice(1).map((at, i) => at - looks[i]!),
      [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600],
    );
    assert.equal(said.length, 1);
    assert.equal(choice.exitCode(), 1);
    clock.ms += 600_000;
    assert.equal((await choice.next())?.runId, run.runId);
    choice.ended(run.runId, { status: 'complete' });
    assert.equal(choice.exitCode(), 0, 'it has been put right');
  }));
