/**
 * What a billion faces need, by docs/scaling.md: constants from the newest results of `npm run bench` (or a given
 * file), and assumptions that can be set:
 *
 *     node dist/bench/performance/billion.js [RESULTS.json] [--faces 1e9] [--faces-per-second 2000] [--hours 10] …
 *
 * The same formulas are held against the simulated fleet that the results hold.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../../src/shared/package.ts';
import { type Assumptions, type MeasuredConstants, type Needs, needsOf } from './shared/scalingModel.ts';

const RESULTS = join(packageRoot, 'bench', 'results');

const resultSchema = z.object({
  date: z.string(),
  cpu: z.string(),
  cores: z.number(),
  reports: z.array(
    z.object({
      bench: z.string(),
      rows: z.array(z.object({ ratio: z.number() })),
      constants: z.record(z.string(), z.number()).default({}),
    }),
  ),
});
type Result = z.infer<typeof resultSchema>;

/** Prices are assumptions: list prices of one large cloud in dollars, rounded; a spot machine with one small GPU. */
const DEFAULTS = {
  faces: 1e9,
  'faces-per-person': 20,
  variants: 10,
  'shard-faces': 10_000,
  'faces-per-second': 2_000,
  hours: 10,
  'worker-hour': 0.4,
  'million-writes': 5,
  'million-reads': 0.4,
  'terabyte-month': 23,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, { type: 'string' as const }])),
});
const number = (name: keyof typeof DEFAULTS): number => {
  const value = values[name] === undefined ? DEFAULTS[name] : Number(values[name]);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name}: expected a number above 0, found ${values[name]}`);
};
const asked: Assumptions = {
  faces: number('faces'),
  facesPerPerson: number('faces-per-person'),
  variants: number('variants'),
  shardFaces: number('shard-faces'),
  facesPerSecond: number('faces-per-second'),
  hours: number('hours'),
  prices: {
    workerHour: number('worker-hour'),
    millionWrites: number('million-writes'),
    millionReads: number('million-reads'),
    terabyteMonth: number('terabyte-month'),
  },
};

const result = await readResult(positionals[0]);
const measured = constantsOf(result);
console.log(`constants of ${result.date}: ${result.cpu}, ${result.cores} cores`);
print(needsOf(asked, measured));
holdAgainstFleet(result, measured);

/** The given file, or the newest that has all the constants. */
async function readResult(file: string | undefined): Promise<Result> {
  const names = file === undefined ? (await readdir(RESULTS).catch(() => [])).sort().reverse() : [];
  const files = file === undefined ? names.map((name) => join(RESULTS, name)) : [file];
  for (const path of files) {
    const found = resultSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    const benches = new Set(found.reports.map(({ bench }) => bench));
    if (['fleet', 'planning', 'tables', 'queue'].every((name) => benches.has(name))) return found;
  }
  throw new Error('expected results of fleet, planning, tables and queue: npm run bench first');
}

function constantsOf({ reports }: Result): MeasuredConstants {
  const constant = (bench: string, name: string): number => {
    const value = reports.find((report) => report.bench === bench)?.constants[name];
    if (value !== undefined) return value;
    throw new Error(`results have no such constant [bench=${bench}, name=${name}]`);
  };
  return {
    busyShare: Math.min(1, reports.find(({ bench }) => bench === 'fleet')?.rows[0]?.ratio ?? Number.NaN),
    redisCommandsPerShard: constant('fleet', 'redis commands a shard'),
    redisCpuMsPerShard: constant('fleet', 'redis CPU a shard, ms'),
    fleetShardMs: constant('fleet', 'shard, ms'),
    redisBytesPerWorker: constant('fleet', 'redis memory a worker, bytes'),
    redisBytesOfQueue: constant('planning', 'redis memory at most, MB') * 1e6,
    listingBytesPerFace: constant('planning', 'listing bytes a face'),
    listedFacesPerSecond: constant('planning', 'listing, faces a second'),
    queuedShardsPerSecond: constant('planning', 'queueing, shards a second'),
    bytesPerRow: constant('tables', 'bytes of a parquet row of 512 float32'),
    writesPerShard: constant('queue', 'store writes a shard'),
    readsPerShard: constant('queue', 'store reads a shard'),
  };
}

function print(needs: Needs): void {
  const count = (value: number) => Math.round(value).toLocaleString('en-US');
  const money = (value: number) => `$${count(value)}`;
  const lines: readonly (readonly [string, string])[] = [
    ['faces, people', `${count(asked.faces)}, ${count(needs.people)}`],
    [
      'shards',
      `${count(needs.shards)} of ${count(asked.shardFaces)} faces, ${needs.shardSeconds.toFixed(1)} s each`,
    ],
    ['rows, data', `${count(needs.rows)}, ${needs.dataTerabytes.toFixed(2)} TB`],
    [
      'listing',
      `${needs.listingGigabytes.toFixed(1)} GB, ${needs.planningMinutes.toFixed(0)} minutes to plan`,
    ],
    [
      'workers',
      `${count(needs.workers)} for ${asked.hours} h, at ${count(asked.facesPerSecond)} faces/s each`,
    ],
    [
      'Redis',
      `${needs.redisMegabytes.toFixed(0)} MB, ${count(needs.redisCommandsPerSecond)} commands/s, ` +
        `${(100 * needs.redisBusyShare).toFixed(2)} % of its thread; up to ${count(needs.workersPerRedis)} workers`,
    ],
    [
      'store',
      `${count(needs.storeWrites)} writes, ${count(needs.storeReads)} reads, ` +
        `${count(needs.storeRequestsPerSecond)} requests/s`,
    ],
    [
      'money',
      `${money(needs.cost.workers)} workers, ${money(needs.cost.requests)} requests, ` +
        `${money(needs.cost.storageMonth)} a month for the data`,
    ],
  ];
  for (const [name, text] of lines) console.log(`  ${name.padEnd(14)} ${text}`);
}

/** The run that was simulated, predicted from constants of the other benches. */
function holdAgainstFleet({ reports }: Result, constants: MeasuredConstants): void {
  const fleet = reports.find(({ bench }) => bench === 'fleet')?.constants ?? {};
  const [workers = Number.NaN, shards = Number.NaN] = [fleet.workers, fleet.shards];
  const compared: readonly (readonly [string, number, number])[] = [
    [
      'shards a second until the tail',
      workers / (constants.fleetShardMs / 1000),
      (constants.busyShare * workers) / (constants.fleetShardMs / 1000),
    ],
    [
      // What docs/performance.md says of the queue: it was all queued at once here.
      'Redis, MB above its start',
      (2e6 + 1.3e3 * shards + workers * constants.redisBytesPerWorker) / 1e6,
      (fleet['redis memory above its start, bytes'] ?? Number.NaN) / 1e6,
    ],
  ];
  console.log('the simulated fleet, predicted and measured');
  for (const [name, predicted, found] of compared) {
    console.log(`  ${name.padEnd(32)} ${predicted.toFixed(1).padStart(8)} ${found.toFixed(1).padStart(8)}`);
  }
}
