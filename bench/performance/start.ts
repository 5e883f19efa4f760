/**
 * From the start of the process to the first face: `posecast run` on one photograph, weights in the cache, a Redis of
 * its own. The face counts as processed when its shard's tables are encoded, which is later.
 */
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { packageRoot } from '../../src/shared/package.ts';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { listPhotographs } from '../photographs.ts';
import { absoluteRow, isQuick, printReport, say } from './report.ts';
import { withFolder } from './shared/folders.ts';
import { startPosecast } from './shared/posecastProcess.ts';

const ROUNDS = isQuick() ? 1 : 7;

const [photograph] = await listPhotographs(join(packageRoot, 'samples', 'london'));
if (photograph === undefined) throw new Error('there are no samples');

async function seconds(): Promise<{ toFace: number; whole: number }> {
  return withFolder('disk', async (folder) => {
    const person = join(folder, 'corpus', photograph!.subjectId);
    await mkdir(person, { recursive: true });
    await copyFile(photograph!.path, join(person, basename(photograph!.path)));
    const out = join(folder, 'out');
    const run = startPosecast(['run', join(folder, 'corpus'), out]);
    await run.done;
    const endedAt = Date.now();
    const store = await openStore(out, { access: 'read' });
    const commit = await readShardCommit(store, 0);
    await store.close();
    if (commit?.counters.ok !== 1) throw new Error('the face was not processed');
    return {
      toFace: (Date.parse(commit.finishedAt) - run.startedAt) / 1000,
      whole: (endedAt - run.startedAt) / 1000,
    };
  });
}

// Once before, so that weights and files are in the caches.
await seconds();
const rounds: Awaited<ReturnType<typeof seconds>>[] = [];
for (let round = 0; round < ROUNDS; round++) {
  rounds.push(await seconds());
  say(
    `first face after ${rounds.at(-1)!.toFace.toFixed(2)} s, all done after ${rounds.at(-1)!.whole.toFixed(2)} s`,
  );
}

printReport({
  bench: 'start',
  rows: [
    absoluteRow(
      { what: 'posecast run: from its start to the first face', unit: 's', wanted: 3, atLeast: false },
      rounds.map(({ toFace }) => toFace),
    ),
  ],
  skipped: [],
  constants: { 'whole run of one photograph, s': rounds.at(-1)!.whole },
});
