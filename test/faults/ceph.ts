/**
 * Ceph's S3 service as Debian packages it (ceph-mon, ceph-osd, ceph-mgr, radosgw, ceph-common): one monitor, one OSD in
 * memory, one gateway, on loopback, everything in one folder. An S3 that nobody wrote for tests: it checks signatures
 * and clocks and honours If-None-Match.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from '../helpers/freePort.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { startWatched, type WatchedProcess } from '../helpers/watchedProcess.ts';
import type { S3Backend } from './carryOut.ts';

const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'radosgw', 'radosgw-admin', 'monmaptool'];
const USER = {
  AWS_ACCESS_KEY_ID: 'POSECASTFAULTS',
  AWS_SECRET_ACCESS_KEY: 'not-a-secret',
  AWS_REGION: 'us-east-1',
};
const BUCKET = 'posecast-faults';
/** Each step of the start; the whole takes about 20 s. */
const STEP_MS = 120_000;

/** What is missing here; undefined when Ceph can be started. */
export function missingForCeph(): string | undefined {
  const missing = PROGRAMS.filter((program) => !existsSync(`/usr/bin/${program}`));
  return missing.length === 0 ? undefined : `needs Debian's Ceph, misses ${missing.join(', ')}`;
}

export async function withCeph<T>(run: (backend: S3Backend) => Promise<T>): Promise<T> {
  return withTempFolder(async (folder) => {
    const processes: WatchedProcess[] = [];
    try {
      const endpoint = await start(folder, processes);
      await createBucket(endpoint);
      return await run({ endpoint, bucket: BUCKET, env: USER, looksAtClock: true });
    } finally {
      for (const process of processes.reverse()) await process.stop();
    }
  });
}

async function start(folder: string, processes: WatchedProcess[]): Promise<string> {
  const fsid = randomUUID();
  const monitor = `[v2:127.0.0.1:${await freePort()}]`;
  const port = await freePort();
  const conf = join(folder, 'ceph.conf');
  const keyring = join(folder, 'keyring');
  await writeFile(conf, configuration({ folder, fsid, monitor, keyring }));
  const run = (program: string, ...args: string[]) =>
    promisify(execFile)(program, args, { timeout: STEP_MS });
  const admin = (...args: string[]) => run('ceph', '-c', conf, '--connect-timeout', '60', ...args);
  const daemon = (program: string, ...args: string[]) =>
    processes.push(startWatched(program, ['-c', conf, '-f', ...args]));
  const key = async (name: string, path: string, ...caps: string[]) => {
    await admin('auth', 'get-or-create', name, ...caps, '-o', path);
  };
  const data = async (name: string) => {
    await mkdir(join(folder, name));
    return join(folder, name, 'keyring');
  };

  await run(
    'ceph-authtool',
    '--create-keyring',
    keyring,
    '--gen-key',
    '-n',
    'mon.',
    '--cap',
    'mon',
    'allow *',
  );
  const all = ['mon', 'osd', 'mgr', 'mds'].flatMap((name) => ['--cap', name, 'allow *']);
  await run('ceph-authtool', keyring, '--gen-key', '-n', 'client.admin', ...all);
  const map = join(folder, 'monmap');
  await run('monmaptool', '--create', '--addv', 'a', monitor, '--fsid', fsid, map);
  await data('mon');
  await run('ceph-mon', '-c', conf, '--mkfs', '-i', 'a', '--monmap', map, '--keyring', keyring);
  daemon('ceph-mon', '-i', 'a');

  await key('mgr.a', await data('mgr'), 'mon', 'allow profile mgr', 'osd', 'allow *', 'mds', 'allow *');
  daemon('ceph-mgr', '-i', 'a');

  const osd = randomUUID();
  const osdKey = await data('osd');
  await admin('osd', 'new', osd);
  await key('osd.0', osdKey, 'mon', 'allow profile osd', 'mgr', 'allow profile osd', 'osd', 'allow *');
  await run('ceph-osd', '-c', conf, '-i', '0', '--mkfs', '--osd-uuid', osd);
  daemon('ceph-osd', '-i', '0');
  await until('the OSD is up', processes, async () => {
    const { stdout } = await admin('osd', 'stat', '-f', 'json');
    return (JSON.parse(stdout) as { num_up_osds: number }).num_up_osds === 1;
  });

  const gatewayKey = await data('rgw');
  await key('client.rgw', gatewayKey, 'mon', 'allow rw', 'osd', 'allow rwx');
  const frontend = `beast endpoint=127.0.0.1:${port}`;
  daemon('radosgw', '-n', 'client.rgw', '--keyring', gatewayKey, '--rgw-frontends', frontend);
  const endpoint = `http://127.0.0.1:${port}`;
  await until('the gateway answers', processes, async () => (await fetch(endpoint)).ok);
  const { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secret } = USER;
  const user = ['--uid', 'faults', '--display-name', 'faults', '--access-key', accessKey, '--secret', secret];
  await run('radosgw-admin', '-c', conf, 'user', 'create', ...user);
  return endpoint;
}

function configuration(facts: {
  readonly folder: string;
  readonly fsid: string;
  readonly monitor: string;
  readonly keyring: string;
}): string {
  const { folder, fsid, monitor, keyring } = facts;
  const settings = {
    fsid,
    keyring,
    'mon host': monitor,
    'mon initial members': 'a',
    'mon data': join(folder, 'mon'),
    'mgr data': join(folder, 'mgr'),
    'osd data': join(folder, 'osd'),
    'rgw data': join(folder, 'rgw'),
    'run dir': folder,
    'admin socket': join(folder, '$name.$pid.asok'),
    'log file': join(folder, '$name.log'),
    'crash dir': folder,
    'auth cluster required': 'cephx',
    'auth service required': 'cephx',
    'auth client required': 'cephx',
    'public addr': '127.0.0.1',
    'cluster addr': '127.0.0.1',
    'osd objectstore': 'memstore',
    'memstore device bytes': String(4 * 2 ** 30),
    'osd crush chooseleaf type': '0',
    'osd pool default size': '1',
    'osd pool default min size': '1',
    'osd pool default pg num': '4',
    'osd pool default pg autoscale mode': 'off',
    'mon allow pool size one': 'true',
    'mon data avail warn': '1',
    'mon data avail crit': '0',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  // Each daemon's own key lies in its folder.
  const own = ['mgr', 'osd'].map((name) => `[${name}]\nkeyring = ${join(folder, name, 'keyring')}`);
  const mon = `[mon]\nkeyring = ${join(folder, 'mon', 'keyring')}`;
  return `[global]\n${lines.join('\n')}\n${mon}\n${own.join('\n')}\n`;
}

async function until(
  what: string,
  processes: readonly WatchedProcess[],
  holds: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + STEP_MS;
  while (!(await holds().catch(() => false))) {
    const dead = processes.find(({ ended }) => ended);
    if (dead !== undefined || Date.now() > deadline) {
      throw new Error(`Ceph: waited for ${what}: ${processes.map((process) => process.output()).join('\n')}`);
    }
    await sleep(250);
  }
}

async function createBucket(endpoint: string): Promise<void> {
  const client = new S3Client({
    endpoint,
    forcePathStyle: true,
    region: USER.AWS_REGION,
    credentials: { accessKeyId: USER.AWS_ACCESS_KEY_ID, secretAccessKey: USER.AWS_SECRET_ACCESS_KEY },
  });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  client.destroy();
}
