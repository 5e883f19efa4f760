/** Commands that a command prints reach the same run as it did itself, pasted into a shell of the same environment. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
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
      // A profile has the endpoint in its own section or under its services; pyarrow looks for it in neither.
      await withTempFolder(async (folder) => {
        const config = join(folder, 'config');
        for (const lines of [
          ['[profile lab]', `endpoint_url = ${endpoint}`, 's3 =', '  addressing_style = path'],
          ['[profile lab]', 'services = lab', '[services lab]', 's3 =', `  endpoint_url = ${endpoint}`],
        ]) {
          await writeFile(config, `${lines.join('\n')}\n`);
          const again = ['run', samples, out, ...options, '--s3-profile', 'lab'];
          const { code, stdout, stderr } = await posecast(again, {
            AWS_CONFIG_FILE: config,
            AWS_SHARED_CREDENTIALS_FILE: await keysOf(folder),
          });
          assert.equal(code, 0, stderr);
          const ofProfile = `fs.S3FileSystem(endpoint_override="${host}", scheme="http")`;
          assert.ok(stdout.includes(`store, root = ${ofProfile}, "${bucket}/my run"; files`), stdout);
        }
      });
    }),
  ));

/** A credentials file with the keys of the environment for the profile `lab`. */
async function keysOf(folder: string): Promise<string> {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
  const keys = [
    `aws_access_key_id = ${AWS_ACCESS_KEY_ID}`,
    `aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}`,
  ];
  const file = join(folder, 'credentials');
  await writeFile(file, `${['[lab]', ...keys].join('\n')}\n`);
  return file;
}
