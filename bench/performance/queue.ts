/**
 * What a shard costs beside its models: taking it from the queue, reading its rows, its files and its commit. Once with
 * small shards and models that take no time at all, where that is all there is, and once as a whole: shards of 500
 * photographs and 5 s against the 5 s.
 */
import { openStore } from '../../src/shared/store/openStore.ts';
import { openTableWriter } from '../../src/worker/tables/tableWriter.ts';
import { isQuick, printReport, type Round, ratioRow, say } from './report.ts';
import { countRequests, type Requests } from './shared/countRequests.ts';
import { withFolder } from './shared/folders.ts';
import { openTimerModels } from './shared/timerModels.ts';
import { planned, planTimerRun, timerContext } from './shared/timerRun.ts';
import { queueShards, startTimerWorker, withBenchRedis } from './shared/timerWorker.ts';

/** What "a shard" is in the target. */
const SHARD_MS = 5_000;
/** One person: what comes with a shard, not what comes with its photographs. */
const SMALL = { people: 1, facesPerPerson: 20, dim: 512 };
/** About the default shard; at 100 faces a second it takes 5 s. */
const USUAL = { people: 25, facesPerPerson: 20, dim: 512 };

const quick = isQuick();

interface Timed {
  /** From the first shard asked for to the last commit counted. */
  readonly ms: number;
  readonly requests: Requests;
}

function timeShards(shards: number, shardMs: number, shape: typeof USUAL): Promise<Timed> {
  return withFolder('disk', (folder) =>
    withBenchRedis(`${folder}/redis`, async ({ redis }) => {
      const store = countRequests(await openStore(`${folder}/out`));
      const run = await planTimerRun(store, folder, { runId: 'queue', shards, ...shape });
      const faces = shape.people * shape.facesPerPerson;
      const models = openTimerModels({ msPerFace: shardMs / faces, dim: shape.dim });
      const tableWriter = await openTableWriter();
      const worker = await startTimerWorker(redis, timerContext(run, store, models, tableWriter));
      try {
        await queueShards(redis, run, await planned(store, run));
        const before = { ...store.requests };
        const start = performance.now();
        worker.setPaused(false);
        await worker.committed(shards);
        const ms = performance.now() - start;
        const { writes, reads, lists, deletes } = store.requests;
        const requests = {
          writes: writes - before.writes,
          reads: reads - before.reads,
          lists: lists - before.lists,
          deletes: deletes - before.deletes,
        };
        return { ms, requests };
      } finally {
        await worker.close();
        await tableWriter.close();
        await store.close();
      }
    }),
  );
}

const empty: Round[] = [];
const perShardRequests = { writes: 0, reads: 0 };
for (let round = 0; round < (quick ? 1 : 5); round++) {
  // The first shards open the listing and warm everything up: the difference of two runs is without them.
  const [few, many] = quick ? [2, 4] : [10, 60];
  const [short, long] = [await timeShards(few, 0, SMALL), await timeShards(many, 0, SMALL)];
  const perShard = (long.ms - short.ms) / (many - few);
  perShardRequests.writes = (long.requests.writes - short.requests.writes) / (many - few);
  perShardRequests.reads = (long.requests.reads - short.requests.reads) / (many - few);
  say(`${perShard.toFixed(1)} ms a shard without models`);
  empty.push({ value: perShard, limit: SHARD_MS });
}
const whole: Round[] = [];
{
  const [shards, shardMs] = quick ? [2, 50] : [8, SHARD_MS];
  const { ms } = await timeShards(shards, shardMs, USUAL);
  say(`${shards} shards of ${shardMs} ms in ${ms.toFixed(0)} ms`);
  whole.push({ value: ms - shards * shardMs, limit: shards * shardMs });
}

printReport({
  bench: 'queue',
  rows: [
    ratioRow(
      {
        what: 'a shard of one person, models that take no time: queue, listing, files and commit',
        unit: 'ms',
        limitOf: 'a shard of 5 s',
        target: 0.01,
        atLeast: false,
      },
      empty,
    ),
    ratioRow(
      {
        what: 'time beyond the models, a run of shards of 5 s, first read and last commit included',
        unit: 'ms',
        limitOf: 'the models alone',
        target: 0.01,
        atLeast: false,
      },
      whole,
    ),
  ],
  skipped: [],
  constants: {
    'store writes a shard': perShardRequests.writes,
    'store reads a shard': perShardRequests.reads,
  },
});
