/** Options about who else may look at the work of this process: Prometheus and a tracing service. */
import type { Command } from 'commander';
import type { Redis } from 'ioredis';
import { logShards } from '../../observe/logShards.ts';
import { traceShards } from '../../observe/traceShards.ts';
import type { ShownRun, WorkMetrics } from '../../observe/workMetrics.ts';
import type { Releasers } from '../../shared/async/releasers.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { RequestListeners } from '../../shared/store/observedStore.ts';
import type { Say } from '../../shared/text/logFields.ts';
import { openTracing } from '../../shared/tracing/openTracing.ts';
import type { Tracing } from '../../shared/tracing/tracing.ts';
import type { ComputeOptions } from '../../worker/openShardContext.ts';
import { tellAll, type WorkObserver } from '../../worker/workObserver.ts';
import { port, someText } from './optionValues.ts';

/** Metrics are for this machine alone unless asked otherwise. */
const METRICS_HOST = '127.0.0.1';

export interface TraceFlags {
  readonly trace: boolean;
}

export interface ObserveFlags extends TraceFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
}

/** What looks on. */
export interface Observation {
  /** For `openStore`. */
  readonly store: RequestListeners;
  /** For the shards' context: who hears of the reads of the corpus. */
  readonly corpus: { readonly corpusListeners?: RequestListeners };
  readonly tracing: Tracing | undefined;
  /** `say`: the log of the run. */
  observer(say: Say): WorkObserver;
  watchRedis(redis: Redis): void;
  /** Between runs: whether they are all paused. */
  watchPauses(allPaused: () => boolean): void;
  /** Shows a run until the answer is called. */
  watchRun(view: ShownRun): () => void;
}

export function addTraceOption(command: Command): Command {
  return command
    .optionsGroup('Observability:')
    .option(
      '--trace',
      'send OpenTelemetry traces over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT (default: http://localhost:4318); on by ' +
        'default when that variable is set',
      false,
    )
    .optionsGroup('Options:');
}

export function addObserveOptions(command: Command): Command {
  addTraceOption(command)
    .optionsGroup('Observability:')
    .option(
      '--metrics-port <port>',
      'serve metrics for Prometheus at /metrics, and /healthz for a probe; 0 picks a free port and prints it',
      port,
    )
    .option(
      '--metrics-host <host>',
      `with --metrics-port: address to listen on; 0.0.0.0 in a container (default: ${METRICS_HOST})`,
      someText,
    )
    .optionsGroup('Options:');
  return command;
}

export interface ObservationOptions {
  readonly flags: ObserveFlags;
  readonly compute: ComputeOptions;
  readonly service: string;
  readonly say: Say;
  readonly releasers: Releasers;
}

/**
 * Opened before anything is done, and closed after everything else, so that the end of the work is seen.
 * @throws ConfigError when the port is taken, a host comes without a port, or traces are asked for in a way that is not
 * known.
 */
export async function openObservation(options: ObservationOptions): Promise<Observation> {
  const { flags, service, say, releasers } = options;
  const tracing = await openTracing({ asked: flags.trace, service, say });
  if (tracing !== undefined) releasers.push('traces', () => tracing.close());
  const metrics = await openMetrics(options);
  return {
    store: metrics?.requestsTo('out') ?? {},
    corpus: metrics === undefined ? {} : { corpusListeners: metrics.requestsTo('corpus') },
    tracing,
    observer: (log) =>
      tellAll([
        logShards(log),
        ...(tracing === undefined ? [] : [traceShards(tracing)]),
        ...(metrics === undefined ? [] : [metrics.observer]),
      ]),
    watchRedis: (redis) => metrics?.watchRedis(() => redis.status === 'ready'),
    watchPauses: (allPaused) => metrics?.watchPauses(allPaused),
    watchRun: (view) => metrics?.watchRun(view) ?? (() => {}),
  };
}

async function openMetrics({
  flags,
  compute,
  say,
  releasers,
}: ObservationOptions): Promise<WorkMetrics | undefined> {
  if (flags.metricsPort === undefined) {
    if (flags.metricsHost === undefined) return undefined;
    throw new ConfigError('bad-option', '--metrics-host: expected with --metrics-port only');
  }
  const { createWorkMetrics } = await import('../../observe/workMetrics.ts');
  const { openMetricsServer, PROMETHEUS_TEXT } = await import('../../observe/metricsServer.ts');
  const metrics = createWorkMetrics(compute);
  const server = await openMetricsServer(
    {
      host: flags.metricsHost ?? METRICS_HOST,
      port: flags.metricsPort,
      options: { host: '--metrics-host', port: '--metrics-port' },
    },
    { '/metrics': { type: PROMETHEUS_TEXT, text: metrics.text } },
  );
  releasers.push('metrics', () => server.close());
  say(`metrics: ${server.url}/metrics`);
  return metrics;
}
