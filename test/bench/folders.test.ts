import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

const compiled = (path: string) => JSON.stringify(new URL(`../../${path}`, import.meta.url).href);

/** A bench with a folder that waits for a child of its own, which writes into it as it ends. */
const BENCH = `
  import { spawn } from 'node:child_process';
  import { once } from 'node:events';
  const { withFolder } = await import(${compiled('bench/performance/shared/folders.js')});
  const { endWithOwner } = await import(${compiled('src/shared/machine/endWithOwner.js')});
  await withFolder('memory', async (folder) => {
    const script = 'trap "sleep 0.2; date > $0/last; exit" TERM; echo; while :; do sleep 0.05; done';
    const child = endWithOwner(spawn('/bin/sh', ['-c', script, folder], { detached: true }));
    await once(child.stdout, 'data');
    console.log(JSON.stringify([folder, child.pid]));
    await once(child, 'exit');
    throw new Error('its child has ended');
  });
`;

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${name} ends what a bench started, and then its folder is removed`, async () => {
    const bench = spawn(process.execPath, ['--input-type=module', '-e', BENCH], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(bench, 'exit');
    const [line] = await once(bench.stdout, 'data');
    const [folder, child] = JSON.parse(String(line)) as [string, number];
    assert.ok(existsSync(folder));
    bench.kill(name);
    // A second one, as of a terminal and of the script that starts benches, changes nothing.
    bench.kill(name);
    assert.deepEqual(await ended, [130, null]);
    assert.ok(!existsSync(folder));
    assert.throws(() => process.kill(child, 0), { code: 'ESRCH' });
  });
}
