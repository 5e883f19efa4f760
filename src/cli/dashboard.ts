/** `posecast dashboard`: runs in a browser. */
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { Command, InvalidArgumentError } from 'commander';
import { type NamedRun, openBoard } from '../dashboard/board.ts';
import { openRedisLink } from '../dashboard/data/redisLink.ts';
import { addressWithToken, isLoopback, nameInHost, tokenFor } from '../dashboard/guard.ts';
import { startDashboard } from '../dashboard/server.ts';
import { createReleasers } from '../shared/async/releasers.ts';
import { ConfigError } from '../shared/errors.ts';
import { openStore } from '../shared/store/openStore.ts';
import { printable } from '../shared/text/printable.ts';
import { port, someText } from './options/optionValues.ts';
import { type RedisFlag, redisUrlOf } from './options/redisUrl.ts';
import { outOf, runIdOf } from './options/runAddress.ts';
import {
  addCorpusStoreOptions,
  addStoreOptions,
  type CorpusStoreFlags,
  corpusS3Options,
  s3Options,
} from './options/storeOptions.ts';
import { openStopSignal } from './signals.ts';

const DEFAULT_PORT = 7350;

const EPILOGUE = `
Shows progress, throughput, time left, workers, failed shards, rejected photographs, pose coverage, shards with their
timings, and people with their embeddings, live. The numbers are counted from the commits in OUT; workers and the queue
are shown while --redis or REDIS_URL names a Redis that answers. It works during a run and after it, with and without
Redis. Thumbnails are made from the corpus when it lies on this machine, or in S3.

Without OUT, every run that Redis has work for is shown, including those submitted later.

Who may see it: by default only this machine, or anyone who can log in to it (ssh -L 7350:127.0.0.1:7350 HOST). With
--host and another address, such as 0.0.0.0, anyone who has the token; it is part of the address that is printed, and a
new one unless you set it. The connection is not encrypted: on a network you do not trust, use ssh or a TLS proxy
(--allow-host its name). Nothing can be changed from the page unless --allow-actions is given.

Examples:
  posecast dashboard out/sample
  posecast dashboard s3://bucket/night-1 s3://bucket/night-2 --redis redis://queue:6379
  posecast dashboard --redis redis://queue:6379 --host 0.0.0.0
  POSECAST_TOKEN=$(openssl rand -hex 16) posecast dashboard out/night-1 --host 0.0.0.0 --allow-host faces.example.org

Exit codes: 0 ended by Ctrl-C or SIGTERM, 2 there is no such run, or the port is taken.
`;

interface Flags extends CorpusStoreFlags, RedisFlag {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  readonly allowHost: readonly string[];
  readonly allowActions: boolean;
  readonly json: boolean;
}

export function dashboardCommand(): Command {
  const command = new Command('dashboard')
    .description('Shows runs in a browser.')
    .argument('[OUT|RUN_ID...]', 'folders or s3://bucket/prefix of runs, or ids of runs that Redis knows')
    .option('--redis <url>', 'the Redis that holds the queues (default: REDIS_URL)')
    .option(
      '--host <address>',
      'address to listen on; any but this machine’s own needs a token',
      someText,
      '127.0.0.1',
    )
    .option('--port <number>', 'port to listen on; 0 picks a free port and prints it', port, DEFAULT_PORT)
    .option(
      '--token <text>',
      'ask for this token, 16 characters or more; better in POSECAST_TOKEN, since others on this machine can see ' +
        'the arguments of processes (default: none on this machine, a new one on other addresses)',
    )
    .option(
      '--allow-host <name>',
      'another name under which browsers may ask for it, such as that of a proxy; may be repeated',
      collectNames,
      [],
    )
    .option('--allow-actions', 'buttons that pause and resume a run and retry its failed shards', false)
    .option('--json', 'print the address as one JSON object', false);
  return addCorpusStoreOptions(addStoreOptions(command)).addHelpText('after', EPILOGUE).action(dashboard);
}

function collectNames(text: string, before: readonly string[]): string[] {
  const name = nameInHost(isIPv6(text) ? `[${text}]` : text);
  if (name !== undefined) return [...before, name];
  throw new InvalidArgumentError('Expected a name without a scheme or a path, such as faces.example.org.');
}

async function dashboard(named: readonly string[], flags: Flags): Promise<void> {
  const releasers = createReleasers();
  const say = (line: string) => process.stderr.write(`${printable(line)}\n`);
  const stop = openStopSignal(() => undefined);
  try {
    const url = redisUrlOf(flags);
    const { host, allowActions } = flags;
    const token =
      flags.token === undefined
        ? tokenFor(host, process.env.POSECAST_TOKEN || undefined, 'POSECAST_TOKEN')
        : tokenFor(host, flags.token, '--token');
    if (named.length === 0 && url === undefined) {
      throw new ConfigError(
        'no-out',
        'dashboard: expected the OUT of a run, or a Redis whose runs are shown (--redis or REDIS_URL)',
      );
    }
    const link = url === undefined ? undefined : await openRedisLink(url, say);
    if (link !== undefined) releasers.push('redis', () => link.close());
    const runs: NamedRun[] = [];
    for (const name of named) runs.push({ out: await outOf(name, link?.redis), runId: runIdOf(name) });
    const access = allowActions ? 'write' : 'read';
    const board = await openBoard({
      named: runs,
      link,
      s3: s3Options(flags),
      corpusS3: corpusS3Options(flags),
      openStore: (out) => openStore(out, { access, s3: s3Options(flags), onWarning: say }),
    });
    releasers.push('runs', () => board.close());
    // Told to end while Redis or a store was waited for.
    if (stop.signal.aborted) return;
    const server = await startDashboard({
      board,
      host,
      port: flags.port,
      token,
      allowHosts: flags.allowHost,
      allowActions,
      warn: say,
    });
    releasers.push('server', () => server.close());
    const address = token === undefined ? server.url : addressWithToken(server.url, token);
    // The one place that shows the token: whoever reads this started the server.
    if (flags.json) process.stdout.write(`${JSON.stringify({ event: 'listening', url: address })}\n`);
    else {
      process.stdout.write(`dashboard: ${address}\n`);
      const far = isLoopback(host) ? '' : 'The connection is not encrypted. ';
      process.stderr.write(
        `${far}${allowActions ? 'Runs can be paused and retried from it. ' : ''}Ctrl-C ends it.\n`,
      );
    }
    if (!stop.signal.aborted) await once(stop.signal, 'abort');
  } finally {
    await releasers.release();
    stop.close();
  }
}
