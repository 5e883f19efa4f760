/**
 * Writing tables: embeddings in columns → files on the disk, flushed, against a raw write of as many bytes; the memory
 * that takes; and whether models wait for it.
 */
import { openStore } from '../../src/shared/store/openStore.ts';
import { processShard } from '../../src/worker/processShard.ts';
import { openTableWriter } from '../../src/worker/tables/tableWriter.ts';
import { absoluteRow, isQuick, printReport, ratioRow, say } from './report.ts';
import { withFolder } from './shared/folders.ts';
import { inOwnProcess } from './shared/ownProcess.ts';
import type { TablesRequest, TablesResult } from './shared/tablesProcess.ts';
import { busyWithin, openTimerModels } from './shared/timerModels.ts';
import { planned, planTimerRun, timerContext } from './shared/timerRun.ts';

const quick = isQuick();
const ROUNDS = quick ? 1 : 5;
/** As many variants as a shard may have: 41 MB of 512-d float32. */
const ROWS = quick ? 500 : 20_000;

function write(request: Omit<TablesRequest, 'folder' | 'rows'>): Promise<TablesResult> {
  const file = new URL('./shared/tablesProcess.js', import.meta.url);
  return withFolder('disk', (folder) => inOwnProcess<TablesResult>(file, { folder, rows: ROWS, ...request }));
}

const arrow: TablesResult[] = [];
const parquet: TablesResult[] = [];
const asWorkers: TablesResult[] = [];
const perSecond = (bytes: number, seconds: number) => bytes / 1e6 / seconds;
for (let round = 0; round < ROUNDS; round++) {
  arrow.push(await write({ format: 'arrow', tables: quick ? 2 : 6, madeBefore: true }));
  parquet.push(await write({ format: 'parquet', tables: quick ? 2 : 6, madeBefore: true }));
  asWorkers.push(await write({ format: 'parquet', tables: quick ? 2 : 6, madeBefore: false }));
  const [a, p, w] = [arrow.at(-1)!, parquet.at(-1)!, asWorkers.at(-1)!];
  say(
    `Arrow ${perSecond(a.fileBytes, a.seconds).toFixed(0)} of ${perSecond(a.fileBytes, a.rawSeconds).toFixed(0)} MB/s, ` +
      `Parquet ${perSecond(p.floatBytes, p.seconds).toFixed(0)} MB/s of floats, ` +
      `${w.peakMegabytes.toFixed(0)} MB resident`,
  );
}

/** The share of the time between the first and the last face in which the models compute. */
async function busyShare(): Promise<number> {
  // Large embeddings, so that a shard of 2,048 faces has a table as large as one with 20,000 variants.
  const shape = { people: quick ? 2 : 102, facesPerPerson: 20, dim: quick ? 512 : 4_096 };
  const [shards, shardMs] = quick ? [3, 100] : [8, 2_000];
  return withFolder('disk', async (folder) => {
    const store = await openStore(`${folder}/out`);
    const run = await planTimerRun(store, folder, { runId: 'overlap', shards, ...shape });
    const msPerFace = shardMs / (shape.people * shape.facesPerPerson);
    const models = openTimerModels({ msPerFace, dim: shape.dim });
    const tableWriter = await openTableWriter();
    const context = timerContext(run, store, models, tableWriter);
    const specs = (await planned(store, run)).values();
    // Two at a time, as the worker takes them.
    const takeShards = async (): Promise<void> => {
      for (const spec of specs) {
        await processShard(spec, context, { signal: new AbortController().signal, onProgress: () => {} });
      }
    };
    await Promise.all([takeShards(), takeShards()]);
    await tableWriter.close();
    await store.close();
    const window = { start: models.busy[0]!.start, end: models.busy.at(-1)!.end };
    return busyWithin(models.busy, window) / (window.end - window.start);
  });
}

const busy: number[] = [];
for (let round = 0; round < (quick ? 1 : 2); round++) {
  busy.push(await busyShare());
  say(`models busy ${(100 * busy.at(-1)!).toFixed(2)} % while tables are written`);
}

printReport({
  bench: 'tables',
  rows: [
    ratioRow(
      {
        what: 'Arrow, from columns to flushed files with their checksums',
        unit: 'MB/s',
        limitOf: 'raw write of as many bytes, flushed',
        target: 0.8,
        atLeast: true,
      },
      arrow.map(({ fileBytes, seconds, rawSeconds }) => ({
        value: perSecond(fileBytes, seconds),
        limit: perSecond(fileBytes, rawSeconds),
      })),
    ),
    absoluteRow(
      {
        what: 'Parquet, from columns to flushed files with their checksums',
        unit: 'MB/s of floats',
        wanted: 70,
        atLeast: true,
      },
      parquet.map(({ floatBytes, seconds }) => perSecond(floatBytes, seconds)),
    ),
    absoluteRow(
      {
        what: 'memory of a process that writes tables of 20,000 rows, two in work',
        unit: 'MB',
        wanted: 500,
        atLeast: false,
      },
      asWorkers.map((result) => result.peakMegabytes),
    ),
    ratioRow(
      {
        what: 'models busy while tables of 33 MB are written every 2 s',
        unit: 's a second',
        limitOf: 'all the time',
        target: 0.99,
        atLeast: true,
      },
      busy.map((value) => ({ value, limit: 1 })),
    ),
  ],
  skipped: [],
  constants: {
    'bytes of a parquet row of 512 float32': parquet.at(-1)!.fileBytes / (ROWS * (quick ? 2 : 6)),
  },
});
