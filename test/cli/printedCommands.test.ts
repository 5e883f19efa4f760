/** Commands that a command prints reach the same run as it did itself, pasted into a shell of the same environment. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { until } from '../helpers/until.ts';

const samples = join(packageRoot, 'samples', 'london');
const options = ['--variants', '0', '--shard-faces', '12'];

test('printed commands and the Python that reads the table carry what is needed to reach the store', () =>
  withRedis(({ url }) =>
    withS3({ conditionalPuts: true }, async ({ endpoint, bucket }) => {
      const out = `s3://${bucket}/my run`;
      const store = ['--s3-endpoint', endpoint, '--s3-region', 'eu-west-1'];
      const submit = ['submit', samples, `${out}/`, ...options, ...store, '--redis', url];
      const submitted = await posecast(submit);
      assert.equal(submitted.code, 0, submitted.stderr);
      const work = `posecast work '${out}' --redis ${url} ${store.join(' ')}`;
      assert.ok(submitted.stdout.endsWith(`; workers: ${work}\n`), submitted.stdout);

      const resume = `posecast resume '${out}' ${store.join(' ')}`;
      const paused = await posecast(['pause', out, ...store]);
      assert.ok(paused.stdout.endsWith(`; go on with: ${resume}\n`), paused.stdout);
      const worker = startPosecast(['work', out, '--redis', url, ...store]);
      await until('the pause', worker, () => worker.output().includes(`paused; to go on: ${resume}\n`));
      worker.child.kill('SIGTERM');
      assert.equal((await worker.done).code, 0);
      assert.equal((await posecast(['resume', out, ...store])).code, 0);

      const ran = await posecast(['run', samples, out, ...options, ...store, '--redis', url]);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout, new RegExp(`^ +table +${out}/manifest\\.json$`, 'm'));
      const { host } = new URL(endpoint);
      const s3 = `fs.S3FileSystem(endpoint_override="${host}", scheme="http", region="eu-west-1")`;
      assert.ok(ran.stdout.includes(`store, root = ${s3}, "${bucket}/my run"; files`), ran.stdout);
      const resumed = await posecast(['run', samples, out, ...options], { AWS_ENDPOINT_URL_S3: endpoint });
      assert.ok(
        resumed.stdout.includes(`store, root = fs.FileSystem.from_uri("s3://${bucket}/my%20run"); files`),
        resumed.stdout,
      );
    }),
  ));
