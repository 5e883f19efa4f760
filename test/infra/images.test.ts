/** The images: linted, put together step by step in a clean place, and set to work as a container engine would. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { access, chown, cp, mkdir, readdir, symlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { cacheRoot } from '../../src/models/cache.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { environmentOf, lastOf, parseDockerfile } from './dockerfile.ts';
import { infra, infraFile } from './files.ts';
import { needs, tool } from './full.ts';
import { allowedPaths, createBuilder, type Image } from './layers.ts';

const stages = parseDockerfile(infraFile('Dockerfile'));
/** They fetch libraries of hundreds of MB from places of their makers. */
const FETCHES = /npm rebuild/;
const USER = 10_001;

test('hadolint finds no fault in the Dockerfile', needs('hadolint'), async () => {
  const { stdout } = await promisify(execFile)(tool('hadolint'), [join(infra, 'Dockerfile')]);
  assert.equal(stdout, '');
});

test('every image ends by SIGTERM, runs as nobody, and keeps weights in a volume', () => {
  for (const name of ['producer', 'worker', 'worker-cuda12', 'trainer-cuda11']) {
    assert.equal(lastOf(stages, name, 'STOPSIGNAL'), 'SIGTERM', name);
    assert.equal(lastOf(stages, name, 'USER'), `${USER}:${USER}`, name);
    assert.equal(lastOf(stages, name, 'VOLUME'), '/models', name);
    assert.equal(environmentOf(stages, name).POSECAST_CACHE, '/models', name);
  }
  for (const name of ['worker', 'worker-cuda12'])
    assert.match(lastOf(stages, name, 'HEALTHCHECK') ?? '', /posecast-alive/);
});

test('every image that works on shards has the photographs that --batch probe and bench measure with', async () => {
  assert.ok((await allowedPaths(join(infra, 'Dockerfile.dockerignore'))).includes('samples/london'));
  for (const name of ['worker', 'worker-cuda12']) {
    const copied = stages
      .get(name)!
      .steps.filter(({ op }) => op === 'COPY')
      .map(({ text }) => text);
    assert.ok(copied.includes('samples/london samples/london'), name);
  }
});

test('where the samples are missing --batch probe is refused before anything is planned', () =>
  withTempFolder(async (folder) => {
    const bare = join(folder, 'app');
    for (const part of ['bin', 'models', join('dist', 'src'), 'package.json']) {
      await cp(join(packageRoot, part), join(bare, part), { recursive: true });
    }
    await symlink(join(packageRoot, 'node_modules'), join(bare, 'node_modules'));
    const out = join(folder, 'out');
    const args = ['run', join(packageRoot, 'samples', 'london'), out, '--batch', 'probe'];
    await assert.rejects(
      promisify(execFile)(process.execPath, [join(bare, 'bin', 'posecast.js'), ...args]),
      (error: Error & { code: number; stderr: string }) => {
        assert.match(error.stderr, /^posecast: --batch probe: expected a photograph .*neutral\.jpg/m);
        assert.equal(error.code, 2);
        return true;
      },
    );
    await assert.rejects(access(out), 'OUT was not begun');
  }));

test(
  'producer and worker of the images bring a run to its end, and the worker ends by SIGTERM',
  needs('layers'),
  () =>
    withTempFolder(async (folder) => {
      const context = join(folder, 'context');
      await copyContext(context);
      const skipped: string[] = [];
      const builder = await createBuilder({
        stages,
        context,
        skip(command) {
          if (FETCHES.test(command)) skipped.push(command);
          return FETCHES.test(command);
        },
      });
      try {
        const producer = await builder.build('producer');
        const worker = await builder.build('worker');

        const natives = async (image: Image) =>
          (await readdir(image.path('/app/node_modules'))).filter((name) =>
            /^(koffi|onnxruntime-node|sharp|@tensorflow)$/.test(name),
          );
        assert.deepEqual(await natives(producer), []);
        assert.deepEqual(await natives(worker), ['@tensorflow', 'koffi', 'onnxruntime-node', 'sharp']);
        for (const image of [producer, worker]) {
          const packages = await readdir(image.path('/app/node_modules'));
          assert.ok(
            !packages.includes('typescript') && !packages.includes('fauxqs'),
            'nothing of development',
          );
          assert.deepEqual(await readdir(image.path('/app/dist')), ['src']);
        }

        await giveVolumes(folder, [producer, worker]);
        await withRedis(async ({ url }) => {
          const env = { REDIS_URL: url };
          const entry = words('producer', 'ENTRYPOINT');
          const command = [...words('worker', 'ENTRYPOINT'), ...words('worker', 'CMD'), '--batch', 'probe'];
          const running = worker.start(command, env);
          let output = '';
          for (const stream of [running.stdout, running.stderr]) {
            stream?.setEncoding('utf8').on('data', (text: string) => {
              output += text;
            });
          }
          const options = ['--variants', '2', '--shard-faces', '4', '--wait'];
          const told = await producer.run([...entry, 'submit', '/srv', '/mnt/run', ...options], env);
          assert.match(told, /is complete/);
          await producer.run([...entry, 'verify', '/mnt/run']);

          const [, ...probe] = JSON.parse(
            (lastOf(stages, 'worker', 'HEALTHCHECK') ?? '').replace(/^.*?CMD /, ''),
          ) as string[];
          await worker.run(['sh', ...probe]);
          const longAgo = new Date(Date.now() - 16 * 60_000);
          await utimes(worker.path('/tmp/posecast-alive'), longAgo, longAgo);
          await assert.rejects(
            worker.run(['sh', ...probe]),
            'a worker that has not consumed for long is not healthy',
          );

          running.kill('SIGTERM');
          const [code] = await once(running, 'exit');
          assert.equal(code, 0, output);
        });
        assert.deepEqual(skipped, [], 'no step of these two images was left out');
      } finally {
        await builder.close();
      }
    }),
);

/** What git has, and of that what .dockerignore lets in. */
async function copyContext(context: string): Promise<void> {
  const allowed = await allowedPaths(join(infra, 'Dockerfile.dockerignore'));
  const git = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { stdout } = await promisify(execFile)('git', git, { cwd: packageRoot, maxBuffer: 2 ** 26 });
  for (const file of stdout.split('\0').filter(Boolean)) {
    if (!allowed.some((path) => file === path || file.startsWith(`${path}/`))) continue;
    await mkdir(dirname(join(context, file)), { recursive: true });
    await cp(join(packageRoot, file), join(context, file));
  }
}

/** Weights, photographs and a place for tables, where the images may have them. */
async function giveVolumes(folder: string, images: readonly Image[]): Promise<void> {
  const pulled = await posecast(['models', 'pull']);
  assert.equal(pulled.code, 0, pulled.stderr);
  const out = join(folder, 'out');
  await mkdir(out);
  await chown(out, USER, USER);
  for (const image of images) {
    await image.mount(cacheRoot(), '/models', 'ro');
    await image.mount(join(packageRoot, 'samples', 'london'), '/srv', 'ro');
    await image.mount(out, '/mnt', 'rw');
  }
}

/** Of CMD and ENTRYPOINT. */
function words(stage: string, op: 'CMD' | 'ENTRYPOINT'): string[] {
  return JSON.parse(lastOf(stages, stage, op) ?? '') as string[];
}
