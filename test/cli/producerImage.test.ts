/** What a machine can do that has none of the native packages which only workers need: infra/Dockerfile, `producer`. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { posecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { makeSmallShards } from '../soak/smallShards.ts';

const NODE_OPTIONS = `--import=${pathToFileURL(join(import.meta.dirname, 'withoutNative.js')).href}`;

test('a run is submitted, followed and verified without any native package, and refuses what needs one', () =>
  withTempFolder((folder) =>
    withRedis(async ({ url }) => {
      const { corpus, options, env } = await makeSmallShards(folder, 3);
      const out = join(folder, 'out');
      const producer = { ...env, REDIS_URL: url, NODE_OPTIONS };

      const submitted = await posecast(['submit', corpus, out, ...options], producer);
      assert.equal(submitted.code, 0, submitted.stderr);
      assert.equal((await posecast(['status', out], producer)).code, 0);

      const worker = await posecast(['work', out], producer);
      assert.equal(worker.code, 2);
      assert.match(worker.stderr, /lacks a package that the command needs \[package=onnxruntime-node\]/);
      assert.doesNotMatch(worker.stderr, /\n {4}at /);

      assert.equal((await posecast(['work', out], { ...env, REDIS_URL: url })).code, 0);
      const verified = await posecast(['verify', out], producer);
      assert.equal(verified.code, 0, verified.stderr);
      const resumed = await posecast(['submit', corpus, out, ...options], producer);
      assert.match(resumed.stdout, /is complete/);
    }),
  ));
