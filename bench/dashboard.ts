/**
 * What the run page costs with many shards. Writes the commits of a run that is nearly done to a temporary folder,
 * starts `posecast dashboard` on it, and prints the memory and processor time of that process (Linux):
 *
 *     node dist/bench/dashboard.js [shards]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRunConfig } from '../src/shared/config.ts';
import { endWithOwner } from '../src/shared/machine/endWithOwner.ts';
import { packageRoot } from '../src/shared/package.ts';
import { jsonFile } from '../src/shared/run/parseFile.ts';
import { createRunFile } from '../src/shared/run/runFile.ts';
import { commitKey } from '../src/shared/run/runKeys.ts';
import { checkShardCommit } from '../src/shared/run/shardCommit.ts';
import { shardName } from '../src/shared/shard.ts';
import { openStore } from '../src/shared/store/openStore.ts';
import { withFolder } from './performance/shared/folders.ts';

const FACES = 512;
const SUBJECTS = 50;
const VARIANTS = 500;
const RUN_ID = 'bench-dashboard';
const WATCHED_S = 30;

const shards = Number(process.argv[2] ?? 100_000);
const done = Math.floor(0.99 * shards);

await withFolder('disk', async (folder) => {
  await writeRun(join(folder, 'out'));
  await measure(join(folder, 'out'));
});

async function writeRun(out: string): Promise<void> {
  const sha256 = 'a'.repeat(64);
  const part = `listing/part-${RUN_ID}-00000.parquet`;
  const store = await openStore(out);
  await createRunFile(store, {
    schemaVersion: 1,
    runId: RUN_ID,
    createdAt: '2026-01-01T00:00:00.000Z',
    posecastVersion: '0.0.0',
    config: parseRunConfig({ corpus: '/corpus', corpusFormat: 'folder', imageRoot: '/corpus' }),
    corpus: { faces: shards * FACES, subjects: shards * SUBJECTS, bytes: 0, sha256 },
    listing: [{ key: part, rows: shards * FACES, bytes: 1, sha256 }],
    shards,
    models: {},
    recognizer: { name: 'test', digest: sha256 },
    embeddingDim: 512,
    fra: null,
  });
  await store.close();
  await mkdir(join(out, 'commits'), { recursive: true });
  const begun = Date.now() - done * 2_000;
  for (let index = 0; index < done; index++) {
    const rejected = index % 7 === 0 ? 3 : 0;
    const attemptId = `a${index}`;
    const file = (kind: string, rows: number) => ({
      key: `${kind}/${shardName(index)}-${attemptId}.parquet`,
      rows,
      bytes: 1,
      sha256,
    });
    const commit = checkShardCommit({
      schemaVersion: 1,
      spec: {
        runId: RUN_ID,
        index,
        part,
        rowStart: index * FACES,
        rowEnd: (index + 1) * FACES,
        subjects: SUBJECTS,
        firstClassIndex: index * SUBJECTS,
      },
      attemptId,
      data: file('data', FACES - rejected + VARIANTS),
      rejects: rejected === 0 ? null : file('rejects', rejected),
      subjects: file('subjects', SUBJECTS),
      counters: { faces: FACES, ok: FACES - rejected, rejected, variants: VARIANTS, variantsRejected: 0 },
      rejectsByCode: rejected === 0 ? {} : { 'detect/no-face': rejected },
      timingsMs: { read: 300, detect: 4_000 + ((index * 7_919) % 3_000), embed: 5_000, total: 12_000 },
      worker: { host: `node-${index % 24}`, pid: 1_000 + (index % 24), device: 'cuda' },
      finishedAt: new Date(begun + index * 2_000).toISOString(),
    });
    await writeFile(join(out, commitKey(index)), jsonFile(commit));
  }
}

async function measure(out: string): Promise<void> {
  const server = endWithOwner(
    spawn(
      process.execPath,
      [join(packageRoot, 'bin', 'posecast.js'), 'dashboard', out, '--port', '0', '--json'],
      { detached: true, stdio: ['ignore', 'pipe', 'inherit'] },
    ),
  );
  try {
    const [line] = await once(server.stdout, 'data');
    const run = new URL(`runs/${RUN_ID}/`, (JSON.parse(String(line)) as { url: string }).url);
    const leave = new AbortController();
    const events = await fetch(new URL('events?tab=shards', run), { signal: leave.signal });
    const draining = drain(events.body).catch(() => undefined);
    const began = performance.now();
    while (!(await page(run, 'shards')).includes(`committed ${done.toLocaleString('en-US')}`))
      await sleep(250);
    say('commits read', `${done} in ${((performance.now() - began) / 1000).toFixed(0)} s`);
    await sleep(10_000);
    const before = await processorMs(server.pid);
    await sleep(WATCHED_S * 1_000);
    say(
      'watched',
      `${(((await processorMs(server.pid)) - before) / WATCHED_S).toFixed(0)} ms of processor a second`,
    );
    leave.abort();
    await draining;
    for (const path of ['', 'shards', 'shards?sort=totalMs&order=descending', 'shards?state=waiting']) {
      await sleep(4_000);
      const start = await processorMs(server.pid);
      await page(run, path);
      await sleep(1_000);
      say(`/${path}`, `${(await processorMs(server.pid)) - start} ms of processor`);
    }
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    say('memory', /VmHWM:\s+(.*)/.exec(status)?.[1] ?? 'unknown');
  } finally {
    server.kill('SIGTERM');
    await once(server, 'close');
  }
}

async function page(run: URL, path: string): Promise<string> {
  return (await fetch(new URL(path, run))).text();
}

async function drain(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body !== null) for await (const _ of body);
}

/** Of a process so far; a clock tick is 10 ms. */
async function processorMs(pid: number | undefined): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function say(what: string, found: string): void {
  console.log(`${what.padEnd(40)} ${found}`);
}
