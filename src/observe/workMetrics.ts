/**
 * The metrics of a process that works on shards, for Prometheus. Names and units follow Prometheus's conventions: base
 * units, `_total` for what only grows. docs/observability.md has the same list, held equal by a test.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueDepth } from '../shared/redis/queue.ts';
import type { Counters } from '../shared/run/shardCommit.ts';
import type { RequestListeners } from '../shared/store/observedStore.ts';
import type { StorePlace } from '../worker/queue/storeOutage.ts';
import type { WorkObserver } from '../worker/workObserver.ts';
import { BATCH_STAGES, SHARD_OUTCOMES, SHARD_STAGES } from '../worker/workObserver.ts';
import { boundedLabel } from './boundedLabels.ts';

const PLACES: readonly StorePlace[] = ['out', 'corpus'];

/** Different codes that one metric tells apart. */
const MAX_CODES = 100;

/** Seconds of a batch: a stage of a few photographs on a GPU, up to one that waits for a slow disk. */
const BATCH_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Seconds of a shard: a few faces up to some ten thousand. */
const SHARD_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600];
/** Seconds in the queue: a shard is queued long before it is due. */
const QUEUE_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200];
const REQUEST_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What can be looked up when Prometheus asks; nothing of it may need a request. */
export interface ShownRun {
  readonly runId: string;
  readonly shardsInWork: () => number;
  readonly paused: () => boolean;
  readonly storeAway: () => StorePlace | undefined;
  /** By `performance.now()`: the last sign of consumption. */
  readonly consumedAt: () => number;
}

export interface WorkMetrics {
  readonly observer: WorkObserver;
  /** Hear of the requests to one of the two places. */
  requestsTo(place: StorePlace): Required<RequestListeners>;
  /** From now on Redis is looked at. */
  watchRedis(isConnected: () => boolean): void;
  /** From now on this is asked while no run is shown. */
  watchPauses(allPaused: () => boolean): void;
  /** Shows a run until the answer is called. */
  watchRun(view: ShownRun): () => void;
  /** Prometheus's text format. */
  text(): Promise<string>;
  readonly registry: Registry;
}

export function createWorkMetrics(compute: {
  readonly device: string;
  readonly threads: number;
}): WorkMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    buckets: number[],
  ) => new Histogram({ name, help, labelNames, buckets, registers });
  const { device } = compute;

  const faces = counter('posecast_faces_total', 'Photographs in the shards that this process committed.', [
    'outcome',
  ]);
  const rejects = counter(
    'posecast_rejects_total',
    'Rejected photographs in the shards that this process committed.',
    ['stage', 'code'],
  );
  const variants = counter('posecast_variants_total', 'Variants in the shards that this process committed.', [
    'outcome',
  ]);
  const facesProcessed = counter(
    'posecast_faces_processed_total',
    'Photographs done, whether or not their shard was committed.',
  );
  const variantsProcessed = counter(
    'posecast_variants_processed_total',
    'Variants made, whether or not their shard was committed.',
  );
  const shards = counter('posecast_shards_total', 'Attempts of shards that ended in this process.', [
    'outcome',
  ]);
  const shardFailures = counter('posecast_shard_failures_total', 'Failed attempts of shards.', ['code']);
  const shardSeconds = histogram(
    'posecast_shard_seconds',
    'From taking a shard from the queue to its end.',
    ['outcome'],
    SHARD_SECONDS,
  );
  const shardStage = histogram(
    'posecast_shard_stage_seconds',
    'A part of a shard, from its first beginning to its last end; read and faces overlap.',
    ['stage'],
    SHARD_SECONDS,
  );
  const batchStage = histogram(
    'posecast_batch_stage_seconds',
    'A stage of one batch of photographs, or of one request to the combiner.',
    ['stage'],
    BATCH_SECONDS,
  );
  const queueWait = histogram(
    'posecast_queue_wait_seconds',
    'From queueing a shard to its first start, by the clocks of the two machines.',
    [],
    QUEUE_SECONDS,
  );
  const busy = counter(
    'posecast_model_thread_busy_seconds_total',
    'Seconds that model threads spent on requests, summed over the threads.',
    ['device'],
  );
  gauge('posecast_model_threads', 'Model threads of this process.', ['device']).set(
    { device },
    compute.threads,
  );
  const storeRequests = counter(
    'posecast_store_requests_total',
    'Requests to OUT and to the corpus that have ended.',
    ['place', 'operation', 'code'],
  );
  const storeRetries = counter(
    'posecast_store_retries_total',
    'Requests to OUT and to the corpus that were sent again.',
    ['place', 'operation', 'code'],
  );
  const storeSeconds = histogram(
    'posecast_store_request_seconds',
    'A request to OUT or to the corpus, repetitions included.',
    ['place', 'operation'],
    REQUEST_SECONDS,
  );
  const sent = counter('posecast_store_sent_bytes_total', 'Bytes written to OUT.', ['place']);
  const received = counter(
    'posecast_store_received_bytes_total',
    'Bytes read from OUT and from the corpus.',
    ['place'],
  );

  let isConnected: (() => boolean) | undefined;
  let view: ShownRun | undefined;
  let allPaused = (): boolean => false;
  let depth: QueueDepth | undefined;
  /** A gauge that is looked up when it is asked for; without a value it is not shown. */
  const lookup = (name: string, help: string, look: () => number | undefined) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = look();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  lookup('posecast_redis_connected', '1 while there is a connection to Redis.', () =>
    isConnected === undefined ? undefined : Number(isConnected()),
  );
  new Gauge({
    name: 'posecast_store_away',
    help: '1 while OUT, or the corpus, does not answer and is waited for.',
    labelNames: ['place'],
    registers,
    collect() {
      this.reset();
      if (view === undefined) return;
      const away = view.storeAway();
      for (const place of PLACES) this.set({ place }, Number(place === away));
    },
  });
  lookup('posecast_paused', '1 while the run, or every run that there is, is paused.', () => {
    if (view !== undefined) return Number(view.paused());
    return allPaused() ? 1 : undefined;
  });
  lookup('posecast_shards_in_work', 'Shards that this process has in work.', () => view?.shardsInWork() ?? 0);
  lookup(
    'posecast_last_consumption_timestamp_seconds',
    'When this process last asked for a shard or made progress with one.',
    // By the clock of now: it may have been put right since the process started, or the machine have slept.
    () => view && (Date.now() - (performance.now() - view.consumedAt())) / 1_000,
  );
  new Gauge({
    name: 'posecast_run_info',
    help: 'Always 1; the run that this process works on.',
    labelNames: ['run'],
    registers,
    collect() {
      this.reset();
      if (view !== undefined) this.set({ run: view.runId }, 1);
    },
  });
  new Gauge({
    name: 'posecast_queue_jobs',
    help: 'Shards in the queue of the run, as every process that works on it sees them: take the maximum, not the sum.',
    labelNames: ['run', 'state'],
    registers,
    collect() {
      this.reset();
      if (view === undefined || depth === undefined) return;
      for (const [state, jobs] of Object.entries(depth)) this.set({ run: view.runId, state }, jobs);
    },
  });
  collectDefaultMetrics({ register: registry });

  // A rate needs its first value before anything happens.
  for (const outcome of ['ok', 'rejected']) faces.inc({ outcome }, 0);
  for (const outcome of ['kept', 'rejected']) variants.inc({ outcome }, 0);
  for (const outcome of SHARD_OUTCOMES) shards.inc({ outcome }, 0);
  for (const stage of SHARD_STAGES) shardStage.zero({ stage });
  for (const stage of BATCH_STAGES) batchStage.zero({ stage });
  busy.inc({ device }, 0);
  sent.inc({ place: 'out' }, 0);
  for (const place of PLACES) received.inc({ place }, 0);

  const reason = boundedLabel(MAX_CODES);
  const failure = boundedLabel(MAX_CODES);
  const storeCode = boundedLabel(MAX_CODES);

  function countCommit(counters: Counters, rejectsByCode: Readonly<Record<string, number>>): void {
    faces.inc({ outcome: 'ok' }, counters.ok);
    faces.inc({ outcome: 'rejected' }, counters.rejected);
    variants.inc({ outcome: 'kept' }, counters.variants);
    variants.inc({ outcome: 'rejected' }, counters.variantsRejected);
    for (const [name, photographs] of Object.entries(rejectsByCode)) {
      const [stage = '', code = stage] = reason(name).split('/');
      rejects.inc({ stage, code }, photographs);
    }
  }

  return {
    registry,
    text: () => registry.metrics(),
    observer: {
      queueWait: (seconds) => queueWait.observe(seconds),
      batchStage: (stage, seconds) => batchStage.observe({ stage }, seconds),
      threadBusy: (seconds) => busy.inc({ device }, seconds),
      progress(done) {
        facesProcessed.inc(done.faces);
        variantsProcessed.inc(done.variants);
      },
      shardEnded(end) {
        shards.inc({ outcome: end.outcome });
        shardSeconds.observe({ outcome: end.outcome }, end.seconds);
        if (end.outcome === 'failed') shardFailures.inc({ code: failure(end.failure.code) });
        for (const { stage, startedAt, endedAt } of end.stages) {
          shardStage.observe({ stage }, (endedAt - startedAt) / 1_000);
        }
        if (end.outcome === 'committed') countCommit(end.counters, end.rejectsByCode);
      },
      queueDepth(found) {
        depth = found;
      },
    },
    requestsTo: (place) => ({
      onRequest({ operation, code, ms, sentBytes, receivedBytes }) {
        storeRequests.inc({ place, operation, code: storeCode(code) });
        storeSeconds.observe({ place, operation }, ms / 1_000);
        if (place === 'out') sent.inc({ place }, sentBytes);
        received.inc({ place }, receivedBytes);
      },
      onRetry: ({ operation, code }) => storeRetries.inc({ place, operation, code: storeCode(code) }),
    }),
    watchRedis(look) {
      isConnected = look;
    },
    watchPauses(asked) {
      allPaused = asked;
    },
    watchRun(shown) {
      view = shown;
      depth = undefined;
      return () => {
        view = undefined;
        depth = undefined;
      };
    },
  };
}
