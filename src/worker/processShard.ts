/**
 * One shard from its rows in the listing to its commit: read → faces → variants → tables → commit. No queue in
 * sight: whoever calls it decides when, and may call it twice for the same shard.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { PermanentShardError } from '../shared/errors.ts';
import { readListing } from '../shared/listing/listing.ts';
import { commitShard } from '../shared/run/commitShard.ts';
import { readCommitOf } from '../shared/run/shardCommit.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { EncodedTable } from '../shared/table/encodeTable.ts';
import { type TableMetadata, tableMetadata } from '../shared/table/tableMetadata.ts';
import type { TableRows } from '../shared/table/tables.ts';
import { augmentPeople } from './augmentPeople.ts';
import { processFaces } from './processFaces.ts';
import type { ShardContext, ShardRunOptions } from './shardContext.ts';
import { openStopwatch, type Stopwatch } from './stopwatch.ts';
import type { ShardTables } from './tables/shardTables.ts';

/** `committed`: by this call. `taken`: another attempt's commit stands. */
export type ShardOutcome = 'committed' | 'taken';

/** Throws when the shard cannot be done now; nothing is committed then. */
export async function processShard(
  spec: ShardSpec,
  context: ShardContext,
  options: ShardRunOptions,
): Promise<ShardOutcome> {
  const { run, store } = context;
  if (spec.runId !== run.runId) {
    throw new PermanentShardError('other-run', 'shard belongs to another run', {
      expected: run.runId,
      found: spec.runId,
    });
  }
  if ((await readCommitOf(store, run.runId, spec.index)) !== undefined) return 'taken';
  const planned = await context.plan.shard(spec.index);
  // Left in the queue from before; the generation's own shard counts.
  if (planned === 'replaced') return 'taken';
  refuseUnplanned(spec, planned);

  const { stopwatch = openStopwatch() } = options;
  const records = await stopwatch.time('listing', () =>
    readListing(store, spec, options.signal, run.config.labelColumns),
  );
  const inTurn = { ...context, models: context.models.inTurn() };
  const faces = processFaces(records, inTurn, options, stopwatch);
  const tables = await augmentPeople(faces, spec, inTurn, options, stopwatch);
  options.signal.throwIfAborted();
  const encoded = await encodeTables(tables, context, stopwatch);
  const result = {
    spec,
    attemptId: randomUUID(),
    counters: tables.counters,
    rejectsByCode: { ...tables.rejectsByCode },
    timingsMs: stopwatch.totals(),
    worker: { host: hostname(), pid: process.pid, device: context.device },
    finishedAt: new Date().toISOString(),
    format: run.config.format,
    tables: encoded,
  };
  const outcome = await stopwatch.time('commit', () => commitShard(store, result, options.signal));
  if (outcome !== 'won') return 'taken';
  options.onCommitted?.(result.counters, result.rejectsByCode);
  return 'committed';
}

/** A job comes from Redis, where others may write: its rows must be those that the plan gives the shard. */
function refuseUnplanned(spec: ShardSpec, planned: ShardSpec | undefined): void {
  const names = ['part', 'rowStart', 'rowEnd', 'subjects', 'firstClassIndex'] as const;
  const different = names.filter((name) => planned?.[name] !== spec[name]);
  if (different.length === 0) return;
  throw new PermanentShardError('not-planned', 'queue job is not the shard of the plan', {
    shard: spec.index,
    expected:
      planned === undefined ? 'no such shard' : different.map((name) => `${name} ${planned[name]}`).join(' '),
    found: different.map((name) => `${name} ${spec[name]}`).join(' '),
  });
}

async function encodeTables(
  tables: ShardTables,
  { run, tableWriter }: ShardContext,
  stopwatch: Stopwatch,
): Promise<{ data?: EncodedTable; rejects?: EncodedTable; subjects: EncodedTable }> {
  const encode = <Row>(kind: TableMetadata['kind'], rows: TableRows<Row>): Promise<EncodedTable> =>
    stopwatch.time('encode', () =>
      tableWriter.encode(rows.finish(), {
        format: run.config.format,
        metadata: tableMetadata(
          {
            kind,
            runId: run.runId,
            recognizer: run.recognizer.name,
            recognizerDigest: run.recognizer.digest,
          },
          kind === 'embeddings' ? run.config.labelColumns : [],
        ),
      }),
    );
  const [data, rejects, subjects] = await Promise.all([
    tables.data.length > 0 ? encode('embeddings', tables.data) : undefined,
    tables.rejects.length > 0 ? encode('rejects', tables.rejects) : undefined,
    encode('subjects', tables.subjects),
  ]);
  return {
    ...(data === undefined ? {} : { data }),
    ...(rejects === undefined ? {} : { rejects }),
    subjects,
  };
}
