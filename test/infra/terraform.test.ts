/** The Terraform example, as far as it can be looked at without its providers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { infra } from './files.ts';
import { needs, tool } from './full.ts';

const folder = join(infra, 'terraform');

test('Terraform reads the example, and would write it the same way', needs('terraform'), () => {
  const { status, stdout, stderr } = spawnSync(tool('terraform'), ['fmt', '-check', '-diff', folder], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
});

test("a worker machine's start is a script, its units are systemd's", needs('terraform'), () =>
  withTempFolder(async (place) => {
    await copyFile(join(folder, 'worker.sh.tftpl'), join(place, 'worker.sh.tftpl'));
    const registry = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
    const values = {
      region: 'eu-central-1',
      image: `${registry}/posecast:worker-cuda12`,
      corpus_nfs: 'fs.example:/faces',
      redis_url_parameter: '/posecast/redis-url',
      grace_seconds: 90,
      stop_timeout_seconds: 120,
    };
    const render = (image: string): string => {
      const text = JSON.stringify(JSON.stringify({ ...values, image }));
      const input = `jsonencode(templatefile("worker.sh.tftpl", jsondecode(${text})))\n`;
      const told = spawnSync(tool('terraform'), ['console'], { cwd: place, input, encoding: 'utf8' });
      assert.equal(told.status, 0, told.stderr);
      return JSON.parse(JSON.parse(told.stdout)) as string;
    };
    const script = join(place, 'worker.sh');
    await writeFile(script, render(values.image));
    const bash = spawnSync('bash', ['-n', script], { encoding: 'utf8' });
    assert.equal(bash.status, 0, bash.stderr);
    const text = await readFile(script, 'utf8');
    assert.match(text, /work --device cuda --grace 90 --stuck-after 900/);
    assert.match(text, /^ExecStop=.* stop --time 120 posecast-worker$/m);
    assert.match(text, /^TimeoutStopSec=130$/m);
    assert.doesNotMatch(text, /[$%]\{/);
    assert.match(
      text,
      new RegExp(
        `^ExecStartPre=.* get-login-password --region eu-west-1 .* --password-stdin ${registry}'\nExecStartPre=.*docker run`,
        'm',
      ),
    );
    assert.doesNotMatch(render('registry.example/posecast:worker-cuda12'), /docker login/);
  }),
);
