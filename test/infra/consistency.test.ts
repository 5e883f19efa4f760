/** The fleet's files say what the code says: checked as text, without any of the programs that read them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { packageRoot, version } from '../../src/shared/package.ts';
import { openShardQueue } from '../../src/shared/redis/queue.ts';
import { closeRedis, connectRedis } from '../../src/shared/redis/redis.ts';
import { registerRun } from '../../src/shared/redis/runList.ts';
import { startPosecast } from '../helpers/cli.ts';
import { withRedis } from '../helpers/services/redis.ts';
import { infraFile } from './files.ts';
import { helpOf, optionsOf, workDefault } from './options.ts';

/** After --grace, for handing back. */
const MARGIN_S = 30;

interface ComposeFile {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly command?: readonly string[];
        readonly stop_grace_period?: string;
        readonly restart?: string;
      }
    >
  >;
}
const compose = parse(infraFile('compose.yaml'), { merge: true }) as ComposeFile;
const workers = Object.entries(compose.services).filter(([, { command }]) => command?.[0] === 'work');
const values = parse(infraFile('helm', 'posecast', 'values.yaml')) as {
  readonly worker: { readonly grace: number; readonly stuckAfter: number };
};
const units = ['posecast-worker.service', 'posecast-worker@.service'] as const;

test('every place gives a worker the time after SIGTERM that it takes by default, and 30 s more', async () => {
  const grace = await workDefault('--grace');
  assert.equal(values.worker.grace, grace);
  assert.match(
    infraFile('helm', 'posecast', 'templates', 'worker.yaml'),
    new RegExp(`terminationGracePeriodSeconds: {{ add \\.Values\\.worker\\.grace ${MARGIN_S} }}`),
  );
  assert.equal(workers.length, 2);
  for (const [name, { command = [], stop_grace_period }] of workers) {
    assert.equal(command[command.indexOf('--grace') + 1], String(grace), name);
    assert.equal(stop_grace_period, `${grace + MARGIN_S}s`, name);
  }
  for (const unit of units) {
    const text = infraFile('systemd', unit);
    assert.match(text, new RegExp(`^ExecStart=.* work .*--grace ${grace} `, 'm'));
    assert.match(text, new RegExp(`^TimeoutStopSec=${grace + MARGIN_S}$`, 'm'));
    assert.match(text, /^KillSignal=SIGTERM$/m);
  }
  const terraform = infraFile('terraform', 'main.tf');
  assert.match(terraform, new RegExp(`grace_seconds += ${grace}\\n`));
  assert.match(terraform, new RegExp(`stop_timeout_seconds += local\\.grace_seconds \\+ ${MARGIN_S}\\n`));
});

test('every probe allows a worker the quiet that it allows itself', async () => {
  const stuckAfter = await workDefault('--stuck-after');
  const minutes = stuckAfter / 60;
  assert.equal(values.worker.stuckAfter, stuckAfter);
  for (const [name, { command = [] }] of workers) {
    assert.equal(command[command.indexOf('--stuck-after') + 1], String(stuckAfter), name);
  }
  const probes = [
    ...infraFile('Dockerfile').matchAll(/find (\S+) -mmin -(\d+) /g),
    ...infraFile('systemd', 'posecast-alive@.service').matchAll(/find (\S+) -mmin -(\d+) /g),
  ];
  assert.equal(probes.length, 3);
  for (const [, , found] of probes) assert.equal(found, String(minutes));
  assert.match(await helpOf('work'), new RegExp(`-mmin -${minutes} `));
});

test('whatever holds workers starts one again that does not consume and cannot end', () => {
  const script = infraFile('terraform', 'worker.sh.tftpl');
  const alive = infraFile('systemd', 'posecast-alive@.timer');
  const timer = /posecast-alive\.timer <<'UNIT'[\s\S]*?(\[Timer\][\s\S]*?)\n\n/.exec(script)?.[1];
  assert.ok(timer !== undefined && alive.includes(timer), 'the same timer');
  assert.match(script, /grep -qx unhealthy; then systemctl try-restart posecast-worker\.service/);
  assert.match(script, /^systemctl enable --now .*posecast-worker\.service .*posecast-alive\.timer/m);
  assert.match(infraFile('helm', 'posecast', 'templates', 'worker.yaml'), /livenessProbe:/);
});

test('a producer in compose that ends because shards have failed is not started again', () => {
  assert.equal(compose.services.producer?.restart, 'no');
});

test('a probe looks at the file that the worker beside it writes', () => {
  const dockerfile = infraFile('Dockerfile');
  const [probed] = /(?<=find )\S+(?= -mmin)/.exec(dockerfile) ?? [];
  assert.equal(probed, '/tmp/posecast-alive');
  assert.equal([...dockerfile.matchAll(/"--liveness-file", "([^"]+)"/g)].length, 2);
  for (const [, file] of dockerfile.matchAll(/"--liveness-file", "([^"]+)"/g)) assert.equal(file, probed);
  for (const [name, { command = [] }] of workers) {
    assert.equal(command[command.indexOf('--liveness-file') + 1], probed, name);
  }
  const chart = infraFile('helm', 'posecast', 'templates', 'worker.yaml');
  assert.match(chart, /--liveness-file\n\s+- (\/tmp\/posecast-alive)\n[\s\S]*find \1 -mmin/);
  for (const unit of units) {
    const text = infraFile('systemd', unit);
    const instance = unit.replace('@.service', '@%i').replace('.service', '');
    assert.match(text, new RegExp(`--liveness-file /run/${instance}/alive$`, 'm'));
    assert.match(text, new RegExp(`^RuntimeDirectory=${instance}$`, 'm'));
  }
});

/** Every command line that the fleet's files give to posecast, with its place. */
function commandLines(): { readonly where: string; readonly words: readonly string[] }[] {
  const found: { where: string; words: string[] }[] = [];
  const add = (where: string, words: Iterable<string>) => found.push({ where, words: [...words] });
  for (const [, json = ''] of infraFile('Dockerfile').matchAll(/^CMD (\[.*\])$/gm))
    add('Dockerfile', JSON.parse(json));
  for (const [name, { image, command }] of Object.entries(compose.services)) {
    if (image.startsWith('posecast:')) add(`compose.yaml, ${name}`, command ?? []);
  }
  for (const template of ['worker.yaml', 'producer.yaml', 'exporter.yaml', '_helpers.tpl']) {
    const text = infraFile('helm', 'posecast', 'templates', template);
    const [, list = ''] = /\n {2,}args:\n([\s\S]*?)\n {2,}(?:env|\{\{- include)/.exec(text) ?? [];
    const [, inline = ''] = /\$args := concat (.*) \}\}/.exec(text) ?? [];
    const words = [...list.matchAll(/^\s*- ([\w./-]+)$/gm), ...inline.matchAll(/"([^"]+)"/g)];
    add(
      `helm, ${template}`,
      words.map(([, word]) => word ?? ''),
    );
  }
  for (const unit of units) {
    for (const [, line = ''] of infraFile('systemd', unit).matchAll(/^Exec\w+=.*posecast\.js (.*)$/gm)) {
      add(`systemd, ${unit}`, line.split(' '));
    }
  }
  for (const [, line = ''] of infraFile('terraform', 'worker.sh.tftpl').matchAll(/\$\{image\} (.*)$/gm)) {
    add('terraform, worker.sh.tftpl', line.split(' '));
  }
  return found;
}

test('every command and option that the fleet gives to posecast exists', async () => {
  const lines = commandLines();
  for (const { where, words } of lines) {
    if (words[0] === '--help') continue;
    const command = words[0] === 'models' ? `models ${words[1]}` : (words[0] ?? '');
    const options = await optionsOf(command);
    assert.ok(options.has('--help'), `${where}: posecast ${command} is a command`);
    for (const word of words.filter((word) => word.startsWith('--'))) {
      assert.ok(options.has(word), `${where}: ${command} ${word}`);
    }
  }
  const workLines = lines.filter(({ words }) => words[0] === 'work');
  assert.equal(workLines.length, 2 + 2 + 1 + 2 + 1, 'Dockerfile, compose, chart, systemd, Terraform');
  for (const { where, words } of workLines) assert.ok(words.includes('--liveness-file'), where);
  assert.equal(lines.filter(({ words }) => words[0] === 'submit' && words.includes('--wait')).length, 2);
});

/** Read by the AWS SDK. */
const OF_OTHERS = new Set(['AWS_ACCESS_KEY_ID', 'AWS_REGION', 'AWS_ENDPOINT_URL_S3']);

test('every variable that the fleet sets for posecast is read by it', () => {
  const code = filesOf(join(packageRoot, 'src'))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');
  const set = new Set([
    ...names(infraFile('Dockerfile'), /\b(POSECAST_[A-Z_]+)=/g),
    ...names(infraFile('compose.yaml'), /^ {4}([A-Z][A-Z0-9_]+): /gm),
    ...names(infraFile('helm', 'posecast', 'templates', '_helpers.tpl'), /- name: ([A-Z][A-Z0-9_]+)/g),
    ...names(infraFile('systemd', 'worker.env.example'), /^#?([A-Z][A-Z0-9_]+)=/gm),
    ...names(infraFile('systemd', 'posecast-worker.service'), /(POSECAST_[A-Z_]+)=/g),
  ]);
  assert.ok(set.has('POSECAST_CACHE') && set.has('REDIS_URL') && set.has('AWS_SECRET_ACCESS_KEY'));
  for (const name of set) {
    assert.ok(code.includes(name) || OF_OTHERS.has(name), `${name} is read somewhere`);
  }
});

test("the autoscaler reads the number of a run's waiting and active shards", () =>
  withRedis(async ({ url }) => {
    const template = infraFile('helm', 'posecast', 'templates', 'keda.yaml');
    const [, path = ''] = /^\s+url: http:.*\}\}(\/\S+)$/m.exec(template) ?? [];
    assert.equal(path, '/queue.json');
    const [, value = ''] = /valueLocation: (\S+)/.exec(template) ?? [];
    const redis = await connectRedis(url);
    const runId = '20261124T001414-9e14f7';
    await registerRun(redis, { runId, out: '/out', createdAt: '2026-11-24T00:14:14Z', shards: 3 });
    const queue = openShardQueue(redis, runId);
    const exporter = startPosecast(['exporter', '--redis', url, '--port', '0']);
    try {
      const spec = {
        runId,
        part: 'listing/a.parquet',
        rowStart: 0,
        rowEnd: 1,
        subjects: 1,
        firstClassIndex: 0,
      };
      for (const index of [0, 1, 2])
        await queue.add('shard', { ...spec, index }, { jobId: `shard-${index}` });
      await redis.lmove(queue.toKey('wait'), queue.toKey('active'), 'LEFT', 'RIGHT');
      assert.deepEqual([await queue.getWaitingCount(), await queue.getActiveCount()], [2, 1]);
      while (!exporter.output().includes('http://')) {
        assert.equal(exporter.child.exitCode, null, exporter.output());
        await sleep(50);
      }
      const [address] = /http:\/\/[\d.]+:\d+/.exec(exporter.output()) ?? [];
      const found = (await (await fetch(`${address}${path}`)).json()) as Record<string, unknown>;
      assert.equal(found[value], 3, JSON.stringify({ path, value, found }));
    } finally {
      exporter.child.kill('SIGTERM');
      await exporter.done;
      await queue.close();
      await closeRedis(redis);
    }
  }));

test("the chart's Redis has the settings of infra/redis.conf, its version is that of the package", () => {
  assert.equal(infraFile('helm', 'posecast', 'redis.conf'), infraFile('redis.conf'));
  const chart = parse(infraFile('helm', 'posecast', 'Chart.yaml')) as { readonly appVersion: string };
  assert.equal(chart.appVersion, version);
});

test('the images take the Node that the project is tested with, and no base is called latest', () => {
  const dockerfile = infraFile('Dockerfile');
  const [, node = ''] = /NODE_IMAGE=node:(\d+)\./.exec(dockerfile) ?? [];
  assert.equal(node, process.versions.node.split('.')[0]);
  const images = [
    ...dockerfile.matchAll(/^ARG \w+_IMAGE=(\S+)$/gm),
    ...infraFile('compose.yaml').matchAll(/^ {4}image: (?!posecast:)(\S+)$/gm),
    ...infraFile('helm', 'posecast', 'values.yaml').matchAll(/image: (\S+)$/gm),
  ].map(([, image]) => image ?? '');
  assert.ok(images.length >= 7, images.join(' '));
  for (const image of images) assert.match(image, /:[^:/]*\d+\.\d+|:RELEASE\.\d{4}/, image);
});

function names(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name]) => name ?? '');
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile() && !file.includes('.terraform') && !file.endsWith('.env'));
}
