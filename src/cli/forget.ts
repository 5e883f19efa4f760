/** `posecast forget`: takes a run off Redis's list of those that have work, such as one whose OUT was deleted. */
import { Command } from 'commander';
import { ConfigError } from '../shared/errors.ts';
import { removeSilentWorkers, WORKER_ALIVE_MS } from '../shared/redis/liveWorkers.ts';
import { closeRedis, connectRedis } from '../shared/redis/redis.ts';
import { forgetRun, listRuns } from '../shared/redis/runList.ts';
import { type RedisFlag, requireRedisUrl } from './options/redisUrl.ts';
import { printResult } from './output/printResult.ts';

const EPILOGUE = `
For a run that nobody is going to finish: its OUT was deleted, or it was a trial. Workers without OUT no longer look at
it, and it no longer counts where workers are scaled by the queue. OUT is neither read nor written: if the run is still
there, the command that started it takes it up again, and so does \`posecast work OUT\`. A
\`posecast submit\` that still feeds it or waits for it does not prevent this; it notices within seconds, says so and exits
with 1. One that something starts again, such as a Kubernetes Job, submits the run anew: delete the Job first.

Examples:
  posecast forget 20261123T220000-1a2b3c --redis redis://queue:6379

Exit codes: 0 forgotten, 2 Redis knows no such run, or workers are at work on it.
`;

interface Flags extends RedisFlag {
  readonly json: boolean;
}

export function forgetCommand(): Command {
  return new Command('forget')
    .description("Takes a run off Redis's list of those that have work.")
    .argument('<RUN_ID>', 'its id, as `posecast submit`, workers and the dashboard show it')
    .option('--redis <url>', 'the Redis that knows it (default: REDIS_URL)')
    .option('--json', 'one JSON object', false)
    .addHelpText('after', EPILOGUE)
    .action(forget);
}

async function forget(runId: string, flags: Flags): Promise<void> {
  const url = requireRedisUrl(flags, 'forget');
  const redis = await connectRedis(url);
  try {
    const run = (await listRuns(redis)).find((entry) => entry.runId === runId);
    if (run === undefined) throw new ConfigError('no-run', 'Redis knows no such run', { runId });
    const workers = await removeSilentWorkers(redis, runId);
    if (workers.length > 0) {
      const { host, pid } = workers[0]!;
      throw new ConfigError(
        'has-workers',
        `forget: expected no worker heard of in the last ${WORKER_ALIVE_MS / 1_000} s, found ${workers.length}; end them first`,
        { runId, host, pid },
      );
    }
    await forgetRun(redis, runId);
    const event = { event: 'forgotten', runId, out: run.out };
    const line = `run ${runId} is off the list; its OUT was not touched: ${run.out}`;
    printResult(flags, event, line);
  } finally {
    await closeRedis(redis);
  }
}
