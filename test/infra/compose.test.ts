/** The compose file, read by the loader of Docker Compose. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { infraFile } from './files.ts';
import { needs, tool } from './full.ts';

interface Service {
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly read_only?: boolean;
  readonly stop_grace_period?: string;
  readonly ports?: readonly { readonly host_ip?: string }[];
}

/**
 * The loader's own command does not see the environment, so values are put in before it reads.
 * @param env of `docker compose --env-file`; undefined: none are put in.
 */
async function load(env?: string): Promise<Readonly<Record<string, Service>>> {
  const values = new Map([...(env ?? '').matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));
  const text = infraFile('compose.yaml');
  const filled = () =>
    text.replace(/\$\{(\w+):([?-])([^}]*)\}/g, (_, name, kind, word) => {
      const value = values.get(name) ?? (kind === '-' ? word : undefined);
      assert.ok(value !== undefined, `${name} is in the example`);
      return value;
    });
  return withTempFolder(async (folder) => {
    const file = join(folder, 'compose.yaml');
    await writeFile(file, env === undefined ? text : filled());
    const { stdout } = await promisify(execFile)(tool('compose'), ['-format', 'json', file]);
    return (JSON.parse(stdout) as { services: Record<string, Service> }).services;
  });
}

test('the compose file is one, and starts everything in an order that works', needs('compose'), async () => {
  const services = await load(infraFile('fleet.env.example'));
  assert.deepEqual(Object.keys(services).sort(), [
    ...['bucket', 'models', 'producer', 'redis', 'store', 'worker', 'worker-cuda'],
  ]);
  for (const name of ['producer', 'worker', 'worker-cuda']) {
    const { depends_on = {}, environment = {}, read_only } = services[name]!;
    assert.deepEqual(
      Object.fromEntries(Object.entries(depends_on).map(([on, { condition }]) => [on, condition])),
      {
        redis: 'service_healthy',
        bucket: 'service_completed_successfully',
        models: 'service_completed_successfully',
      },
    );
    assert.equal(environment.AWS_ACCESS_KEY_ID, 'change-me');
    assert.equal(read_only, true);
  }
  for (const name of ['worker', 'worker-cuda']) assert.equal(services[name]!.stop_grace_period, '120s');
  for (const { ports = [] } of Object.values(services)) {
    for (const { host_ip } of ports) assert.equal(host_ip, '127.0.0.1');
  }
});

test('without secrets the compose file refuses and says where they belong', needs('compose'), async () => {
  await assert.rejects(load(), /STORE_(ACCESS|SECRET)_KEY is missing a value: put it into infra\/fleet\.env/);
});
