/** What a request gets that cannot be carried out: one clear line, exit code 2, soon, and nothing written. */
import assert from 'node:assert/strict';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { entryContent, withServer } from '../models/helpers.ts';

const samples = join(packageRoot, 'samples', 'london');

interface BadRequest {
  readonly title: string;
  /** Arguments for a scratch folder and an OUT in it that does not exist. */
  readonly args: (folder: string, out: string) => readonly string[];
  /** What the line on stderr must say. */
  readonly says: RegExp;
  readonly env?: NodeJS.ProcessEnv;
}

const REQUESTS: readonly BadRequest[] = [
  {
    title: 'an unknown command',
    args: () => ['expand'],
    says: /expected a command .*run.*found "expand"/,
  },
  {
    title: 'help about an unknown command',
    args: () => ['help', 'expand'],
    says: /expected a command .*run.*found "expand"/,
  },
  {
    title: 'a name that every object has',
    args: () => ['constructor'],
    says: /expected a command .*run.*found "constructor"/,
  },
  {
    title: 'an unknown option',
    args: (_, out) => ['run', samples, out, '--variant', '3'],
    says: /unknown option '--variant'[\s\S]*--variants/,
  },
  {
    title: 'an option out of range',
    args: (_, out) => ['run', samples, out, '--variants', '-1'],
    says: /--variants <n>.*'-1' is invalid.*from 0 to 10000, such as 10/,
  },
  {
    title: 'an option of two words out of range',
    args: (_, out) => ['run', samples, out, '--shard-faces', '0'],
    says: /--shard-faces <n>.*'0' is invalid.*from 1 to 100000, such as 512/,
  },
  {
    title: 'a shard of no megabytes',
    args: (_, out) => ['run', samples, out, '--shard-megabytes', '0'],
    says: /--shard-megabytes <n>.*'0' is invalid.*above 0/,
  },
  {
    title: 'variants without poses',
    args: (_, out) => ['run', samples, out, '--without-pose'],
    says: /^posecast: --without-pose: variants .*--variants 0$/m,
  },
  {
    title: 'a rate without a dry run',
    args: (_, out) => ['run', samples, out, '--rate', '5'],
    says: /^posecast: --rate: expected with --dry-run only \[rate=5\]$/m,
  },
  {
    title: 'a rate without a dry run, submitted',
    args: (_, out) => ['submit', samples, out, '--rate', '5', '--redis', 'redis://127.0.0.1:1'],
    says: /--rate: expected with --dry-run only/,
  },
  {
    title: 'a dry run with a command for the end',
    args: (_, out) => ['run', samples, out, '--dry-run', '--on-finish', 'echo secret'],
    says: /^posecast: --on-finish: expected without --dry-run, which .*$/m,
  },
  {
    title: 'a dry run with metrics',
    args: (_, out) => ['run', samples, out, '--dry-run', '--metrics-port', '0'],
    says: /^posecast: --metrics-port: expected without --dry-run/m,
  },
  {
    title: 'a dry run with a Redis, submitted',
    args: (_, out) => ['submit', samples, out, '--dry-run', '--redis', 'redis://:secret@127.0.0.1:1'],
    says: /^posecast: --redis: expected without --dry-run/m,
  },
  {
    title: 'a dry run that should wait for the run',
    args: (_, out) => ['submit', samples, out, '--dry-run', '--rate', '5', '--wait'],
    says: /^posecast: --wait: expected without --dry-run/m,
  },
  ...[
    ['--deadline', '07:00'],
    ['--stuck-after', '900'],
    ['--max-failure-rate', '0.5'],
    ['--metrics-host', '127.0.0.1'],
    ['--trace'],
  ].map(([option = '', ...value]) => ({
    title: `a dry run with ${option}`,
    args: (_: string, out: string) => ['run', samples, out, '--dry-run', '--rate', '5', option, ...value],
    says: new RegExp(`^posecast: ${option}: expected without --dry-run`, 'm'),
  })),
  {
    title: 'a word where a number belongs',
    args: (_, out) => ['run', samples, out, '--seed', 'today'],
    says: /--seed <n>.*'today' is invalid.*number/,
  },
  {
    title: 'a corpus that is not there',
    args: (folder, out) => ['run', join(folder, 'nowhere'), out],
    says: /expected a folder .*, found nothing.*nowhere/,
  },
  {
    title: 'an empty corpus',
    args: (folder, out) => ['run', join(folder, 'empty'), out],
    says: /expected at least one image, found none/,
  },
  {
    title: 'a list without the needed column',
    args: (folder, out) => ['run', join(folder, 'bad.csv'), out],
    says: /subject_id/,
  },
  {
    title: 'a label column that no table can carry',
    args: (folder, out) => ['run', join(folder, 'bad.csv'), out, '--label-columns', '__proto__'],
    says: /--label-columns: .*expected a name that neither listing nor output tables use.*__proto__/,
  },
  {
    title: 'an unknown recogniser',
    args: (_, out) => ['run', samples, out, '--recognizer', 'fr-feture'],
    says: /fr-feture.*fr-feature/,
  },
  {
    title: 'a FRA model that is not there',
    args: (_, out) => ['run', samples, out, '--fra', 'nobody'],
    says: /FRA model.*found no card/,
  },
  {
    title: 'a Redis that is not there',
    args: (_, out) => ['run', samples, out, '--redis', 'redis://:secret@127.0.0.1:1'],
    says: /Redis at 127\.0\.0\.1:1/,
  },
  {
    title: 'a Redis without a scheme',
    args: (_, out) => ['status', out, '--redis', ':secret@127.0.0.1:7791'],
    says: /expected a URL like redis:\/\/host:6379\/0 \(user:password@ goes before the host\), found something else$/m,
  },
  {
    title: 'a bad REDIS_URL',
    args: (_, out) => ['status', out],
    env: { REDIS_URL: ':secret@127.0.0.1:7791' },
    says: /^posecast: REDIS_URL: expected a URL like redis:.*, found something else$/m,
  },
  {
    title: 'an empty --redis',
    args: (_, out) => ['status', out, '--redis', ''],
    env: { REDIS_URL: 'redis://127.0.0.1:1' },
    says: /^posecast: --redis: expected a URL like redis:/m,
  },
  {
    title: 'work without a Redis',
    args: (_, out) => ['work', out],
    says: /expected --redis or REDIS_URL/,
  },
  {
    title: 'work with an empty REDIS_URL',
    args: (_, out) => ['work', out],
    env: { REDIS_URL: '' },
    says: /expected --redis or REDIS_URL/,
  },
  {
    title: 'a bad POSECAST_TOKEN',
    args: (_, out) => ['dashboard', out],
    env: { POSECAST_TOKEN: 'secret' },
    says: /^posecast: POSECAST_TOKEN: expected at least 16 characters .*, found 6 characters$/m,
  },
  {
    title: 'a dashboard of nothing with an empty POSECAST_TOKEN',
    args: (_, out) => ['dashboard', out],
    env: { POSECAST_TOKEN: '' },
    says: /found no run\.json/,
  },
  {
    title: 'more threads than the memory holds',
    args: (_, out) => ['run', samples, out, '--threads', '1000000'],
    says: /^posecast: --threads: expected at most \d+, found 1000000 \[memory=.* GB, thread=about 300\.0 MB\]$/m,
  },
  {
    title: 'a device that is not there',
    args: (_, out) => ['run', samples, out, '--device', 'cuda'],
    says: /--device: cuda is not available here/,
  },
  {
    title: 'an engine that is not there',
    args: (_, out) => ['run', samples, out, '--engine', 'tfjs-cuda'],
    says: /^posecast: --engine: tfjs-cuda is not available here/m,
  },
];

for (const { title, args, says, env } of REQUESTS) {
  test(`${title} is one clear line, exit code 2, and nothing is written`, () =>
    withTempFolder(async (folder) => {
      await mkdir(join(folder, 'empty'));
      await writeFile(join(folder, 'bad.csv'), 'face_id,path\na,a.jpg\n');
      const out = join(folder, 'out');
      const result = await posecast(args(folder, out), env);
      assert.equal(result.code, 2, result.stdout + result.stderr);
      assert.match(result.stderr, says);
      assert.doesNotMatch(result.stderr, /secret|\n\s+at /);
      await assert.rejects(access(out), { code: 'ENOENT' });
    }));
}

test('an OUT that holds another run is refused with the difference named', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    assert.equal((await posecast(['run', samples, out, '--variants', '0'])).code, 0);
    const other = await posecast(['run', samples, out, '--variants', '0', '--seed', '5']);
    assert.equal(other.code, 2);
    assert.match(other.stderr, /another run.*seed: 0 there, 5 asked/);
  }));

test('a damaged run.json is one clear line with its place, and exit code 2', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'run.json'), '{"schemaVersion": 1, ');
    for (const command of ['status', 'verify', 'pause']) {
      const { code, stderr } = await posecast([command, folder]);
      assert.equal(code, 2, stderr);
      assert.match(
        stderr,
        /expected a posecast run, found a damaged run\.json \[store=.*\]: file is not JSON/,
      );
      assert.ok(stderr.includes(folder), stderr);
    }
  }));

test('with a JSON log the last line of a refused command is its error, with its code', async () => {
  for (const [args, code] of [
    [['work', '--log-format', 'json'], 'no-redis-url'],
    [['exporter', '--log-format', 'json'], 'no-redis-url'],
    [['submit', samples, 'out', '--json'], 'no-redis-url'],
    [['run', samples, 'out', '--json', '--rate', '5'], 'bad-option'],
    [['submit', samples, 'out', '--json', '--rate', '5'], 'bad-option'],
  ] as const) {
    const refused = await posecast(args);
    assert.equal(refused.code, 2, refused.stderr);
    const last = JSON.parse(refused.stderr.trimEnd().split('\n').at(-1) ?? '');
    assert.deepEqual([last.event, last.code], ['error', code], refused.stderr);
  }
});

test('an OUT that holds somebody’s files is refused', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'thesis.txt'), 'mine');
    const result = await posecast(['run', samples, folder, '--variants', '0']);
    assert.equal(result.code, 2);
    assert.match(result.stderr, /found other files.*thesis\.txt/);
  }));

test('a bucket that is not there, and a missing endpoint, are one clear line', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    const env = { AWS_ENDPOINT_URL_S3: service.endpoint };
    const noBucket = await posecast(['run', samples, 's3://no-such-bucket/x', '--variants', '0'], env);
    assert.equal(noBucket.code, 2, noBucket.stderr);
    assert.match(noBucket.stderr, /no-such-bucket/);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const closed = await posecast(['run', samples, 's3://bucket/x', '--variants', '0'], {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    });
    assert.equal(closed.code, 2, closed.stderr);
    assert.match(closed.stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
  }));

test('a model that cannot be fetched, or comes as something else, is one clear line and exit code 2, and nothing is written', () =>
  withServer(
    (request, response) => response.end(request.url === '/page.onnx' ? '<html>Please sign in</html>' : 'x'),
    (origin) =>
      withTempFolder(async (folder) => {
        const file = {
          format: 'onnx',
          inputs: [{ shape: ['N', 3, 112, 112] }],
          outputs: [{ shape: ['N', 512] }],
        };
        const registry = join(folder, 'models.json');
        const out = join(folder, 'out');
        for (const [source, says] of [
          [
            'http://127.0.0.1:1/model.onnx',
            /cannot pull away: cannot reach the host within 5 s.*ECONNREFUSED/,
          ],
          [`${origin}/page.onnx`, /cannot pull away: expected a model, found what looks like an HTML page/],
          [`${origin}/other.onnx`, /cannot pull away: file is not the one of the registry/],
        ] as const) {
          const away = entryContent({ files: { model: { ...file, source, sha256: '0'.repeat(64) } } });
          await writeFile(registry, JSON.stringify({ registryVersion: 1, models: { away } }));
          const env = { POSECAST_REGISTRY: registry };
          const args = ['run', samples, out, '--recognizer', 'away', '--variants', '0'];
          const { code, stderr } = await posecast(args, env);
          assert.match(stderr, says);
          assert.equal(code, 2, stderr);
          assert.equal((await posecast(['models', 'pull', 'away'], env)).code, 2);
          await assert.rejects(access(out), { code: 'ENOENT' });
        }
      }),
  ));

test('missing credentials are one clear line', () =>
  withTempFolder(async (home) => {
    const result = await posecast(['run', samples, 's3://bucket/x', '--variants', '0'], {
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: home,
      POSECAST_CACHE: process.env.POSECAST_CACHE ?? join(process.env.HOME ?? '', '.cache', 'posecast'),
    });
    assert.equal(result.code, 2, result.stderr);
    assert.match(result.stderr, /credentials/i);
  }));
