/** `posecast pause` and `posecast resume`: hold a run, on all its machines, and let it go on. */
import { hostname } from 'node:os';
import { Command } from 'commander';
import { createReleasers } from '../shared/async/releasers.ts';
import { closeRedis, connectRedis } from '../shared/redis/redis.ts';
import { pauseRun, resumeRun } from '../shared/run/pause.ts';
import { requireRun } from '../shared/run/requireRun.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import { PAUSE_KEY } from '../shared/run/runKeys.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { openStore } from '../shared/store/openStore.ts';
import { type RedisFlag, redisUrlOf } from './options/redisUrl.ts';
import { isRunId, outOf, runIdOf } from './options/runAddress.ts';
import { addStoreOptions, type StoreFlags, s3Options } from './options/storeOptions.ts';
import { resumeCommandLine } from './output/commandLine.ts';
import { printResult } from './output/printResult.ts';

const PAUSE_EPILOGUE = `
Workers and \`posecast run\` take no new shard from about 2 seconds afterwards; shards in work are finished. The pause is
the file ${PAUSE_KEY} in OUT, so it needs no Redis and outlives restarts of workers, of machines and of Redis. Workers
stay, and go on by themselves after \`posecast resume\`.

Examples:
  posecast pause s3://bucket/night-1
  posecast pause 20261123T220000-1a2b3c --redis redis://queue:6379
  posecast status s3://bucket/night-1                  state  paused
  posecast resume s3://bucket/night-1

Exit codes: 0 paused (also if it already was), 2 there is no such run, or it is complete.
`;

const RESUME_EPILOGUE = `
Examples:
  posecast resume s3://bucket/night-1
  posecast resume 20261123T220000-1a2b3c --redis redis://queue:6379

If the processes of the run have ended, repeat the command that started it: this one starts none.

Exit codes: 0 no longer paused (also if it was not), 2 there is no such run.
`;

interface Flags extends StoreFlags, RedisFlag {
  readonly json: boolean;
}

export function pauseCommand(): Command {
  return command('pause', 'Holds a run on all machines, until `posecast resume`.', PAUSE_EPILOGUE, pause);
}

export function resumeCommand(): Command {
  return command('resume', 'Lets a paused run go on.', RESUME_EPILOGUE, resume);
}

async function pause(run: RunFile, store: ObjectStore, flags: Flags): Promise<void> {
  const { runId } = run;
  const { since } = await pauseRun(store, { runId, since: new Date().toISOString(), host: hostname() });
  printResult(
    flags,
    { event: 'paused', runId, out: store.uri, since },
    `run ${runId} is paused since ${since}; go on with: ${resumeCommandLine(store.uri, flags)}`,
  );
}

async function resume(run: RunFile, store: ObjectStore, flags: Flags): Promise<void> {
  const { runId } = run;
  const wasPaused = await resumeRun(store, runId);
  printResult(
    flags,
    { event: 'resumed', runId, out: store.uri, wasPaused },
    wasPaused ? `run ${runId} goes on` : `run ${runId} was not paused`,
  );
}

function command(
  name: string,
  description: string,
  epilogue: string,
  act: (run: RunFile, store: ObjectStore, flags: Flags) => Promise<void>,
): Command {
  const built = new Command(name)
    .description(description)
    .argument('<OUT|RUN_ID>', 'folder or s3://bucket/prefix of a run, or the id of a run that Redis knows')
    .option('--redis <url>', 'the Redis that knows a RUN_ID (default: REDIS_URL)')
    .option('--json', 'one JSON object', false);
  return addStoreOptions(built)
    .addHelpText('after', epilogue)
    .action(async (outOrRunId: string, flags: Flags) => {
      const releasers = createReleasers();
      try {
        const store = await openStore(await locate(outOrRunId, flags), { s3: s3Options(flags) });
        releasers.push('store', () => store.close());
        await act(await requireRun(store, runIdOf(outOrRunId)), store, flags);
      } finally {
        await releasers.release();
      }
    });
}

/** OUT; Redis is asked only where it is needed. */
async function locate(outOrRunId: string, flags: Flags): Promise<string> {
  const url = isRunId(outOrRunId) ? redisUrlOf(flags) : undefined;
  if (url === undefined) return outOf(outOrRunId, undefined);
  const redis = await connectRedis(url);
  try {
    return await outOf(outOrRunId, redis);
  } finally {
    await closeRedis(redis);
  }
}
