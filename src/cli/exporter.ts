/** `posecast exporter`: says how much work is queued, to Prometheus and to whoever starts workers. */
import { once } from 'node:events';
import { Command } from 'commander';
import { openMetricsServer, PROMETHEUS_TEXT } from '../observe/metricsServer.ts';
import { createQueueMetrics } from '../observe/queueMetrics.ts';
import { createReleasers } from '../shared/async/releasers.ts';
import { closeRedis, connectRedis } from '../shared/redis/redis.ts';
import { warnings } from '../shared/text/logFields.ts';
import { port, someText } from './options/optionValues.ts';
import { type RedisFlag, requireRedisUrl } from './options/redisUrl.ts';
import { addLogOptions, type LogFlags, openLog } from './output/log.ts';
import { openStopSignal } from './signals.ts';

interface Flags extends LogFlags, RedisFlag {
  readonly port: number;
  readonly host: string;
}

const PORT = 9_466;

const EPILOGUE = `
One process for a whole fleet, also while no worker is running. It asks Redis only when it is asked, needs neither
the corpus nor OUT, and ends with SIGTERM or Ctrl-C.

  /metrics      for Prometheus: jobs by run and state, shards done, workers
  /queue.json   for a scaler: {"pending":…,"waiting":…,"active":…,"delayed":…,"failed":…,"runs":…}
  /healthz      for a probe

KEDA can start workers by it (metrics-api trigger) and stop the last one when nothing is pending:
  url: http://posecast-exporter:${PORT}/queue.json    valueLocation: pending    targetValue: "4"

Examples:
  posecast exporter --redis redis://queue:6379
  posecast exporter --redis redis://queue:6379 --host 0.0.0.0 --log-format json
`;

export function exporterCommand(): Command {
  const command = new Command('exporter')
    .description('Serves how much work is queued, for Prometheus and for scaling workers.')
    .option('--redis <url>', 'the Redis that holds the queues (default: REDIS_URL)')
    .option('--port <port>', 'port to listen on; 0 picks a free port and prints it', port, PORT)
    .option('--host <host>', 'address to listen on; 0.0.0.0 in a container', someText, '127.0.0.1');
  return addLogOptions(command).addHelpText('after', EPILOGUE).action(serve);
}

async function serve(flags: Flags): Promise<void> {
  const { say } = await openLog({ ...flags, json: false });
  const url = requireRedisUrl(flags, 'exporter');
  const releasers = createReleasers();
  const stop = openStopSignal(
    () => {},
    () => {},
  );
  try {
    const redis = await connectRedis(url, { warn: warnings(say) });
    releasers.push('redis connection', () => closeRedis(redis));
    const metrics = createQueueMetrics(redis);
    releasers.push('queues', () => metrics.close());
    const server = await openMetricsServer(
      { host: flags.host, port: flags.port, options: { host: '--host', port: '--port' } },
      {
        '/metrics': { type: PROMETHEUS_TEXT, text: metrics.text },
        '/queue.json': {
          type: 'application/json',
          text: async () => `${JSON.stringify(await metrics.pending())}\n`,
        },
      },
    );
    releasers.push('server', () => server.close());
    say(`metrics: ${server.url}/metrics, for a scaler: ${server.url}/queue.json`);
    const either = AbortSignal.any([stop.signal, stop.notice]);
    if (!either.aborted) await once(either, 'abort');
  } finally {
    await releasers.release();
    stop.close();
  }
}
