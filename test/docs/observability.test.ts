/** The table of metrics, the dashboard and the alerts name the metrics that there are. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import type { MetricObject, Registry } from 'prom-client';
import { createQueueMetrics } from '../../src/observe/queueMetrics.ts';
import { createWorkMetrics } from '../../src/observe/workMetrics.ts';
import { packageRoot } from '../../src/shared/package.ts';

const read = (path: string) => readFile(join(packageRoot, path), 'utf8');

interface Metric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
}

/** prom-client knows the labels, but does not show them in its types. */
function metricsOf(registry: Registry): Metric[] {
  return (registry.getMetricsAsArray() as (MetricObject & { labelNames?: string[] })[]).map((metric) => ({
    name: metric.name,
    // An enumeration of prom-client; what it writes is the word.
    type: String(metric.type),
    labels: [...(metric.labelNames ?? [])].sort(),
  }));
}

const work = metricsOf(createWorkMetrics({ device: 'cpu', threads: 1 }).registry);
const queues = metricsOf(createQueueMetrics(new Redis({ lazyConnect: true })).registry);
const own = work.filter(({ name }) => name.startsWith('posecast_'));

test('docs/observability.md has every metric with its type and labels, and no other', async () => {
  const text = await read('docs/observability.md');
  const [ofWorker = '', ofQueues = ''] = text.split('### Of the queues');
  const table = (part: string): Metric[] =>
    [...part.matchAll(/^\| `(posecast_\w+)` *\| (\w+) *\| ([^|]*)\|/gm)].map(
      ([, name = '', type = '', labels = '']) => ({
        name,
        type,
        labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label).sort(),
      }),
    );
  const byName = (metrics: readonly Metric[]) => [...metrics].sort((a, b) => (a.name < b.name ? -1 : 1));
  assert.deepEqual(byName(table(ofWorker)), byName(own));
  assert.deepEqual(byName(table(ofQueues)), byName(queues));
});

test('names follow Prometheus: counters end in _total, times are seconds', () => {
  for (const { name, type } of [...own, ...queues]) {
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(name, /_ms|_millis|_minutes/);
    if (type === 'histogram') assert.match(name, /_seconds$/);
  }
});

const known = new Map<string, ReadonlySet<string>>();
for (const { name, type, labels } of [...work, ...queues]) {
  const all = new Set(['job', 'instance', ...labels, ...(known.get(name) ?? [])]);
  known.set(name, all);
  if (type !== 'histogram') continue;
  known
    .set(`${name}_bucket`, new Set([...all, 'le']))
    .set(`${name}_sum`, all)
    .set(`${name}_count`, all);
}

/** Every metric of an expression exists, and has the labels that it is filtered by. */
function assertKnown(expression: string, where: string): void {
  const used = [...expression.matchAll(/\b((?:posecast|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)];
  assert.ok(used.length > 0, `${where}: no metric in ${expression}`);
  const grouped = [...expression.matchAll(/\b(?:by|on|without|ignoring) *\(([^)]*)\)/g)].flatMap(
    ([, labels = '']) =>
      labels
        .split(',')
        .map((label) => label.trim())
        .filter((label) => label !== ''),
  );
  const labels = new Set<string>();
  for (const [, name = '', matchers = ''] of used) {
    const has = known.get(name);
    assert.ok(has !== undefined, `${where}: there is no metric ${name}`);
    for (const label of has) labels.add(label);
    for (const [, label = ''] of matchers.matchAll(/(\w+) *(?:=~|!~|!=|=)/g)) {
      assert.ok(has.has(label), `${where}: ${name} has no label ${label}`);
    }
  }
  for (const label of grouped) assert.ok(labels.has(label), `${where}: nothing in it has the label ${label}`);
}

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly type: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

test('every query of the dashboard asks for metrics and labels that there are', async () => {
  const { panels, templating } = JSON.parse(await read('infra/grafana/posecast.json')) as Dashboard;
  assert.ok(panels.length > 20);
  for (const { title, type, targets = [] } of panels) {
    assert.equal(targets.length > 0, type !== 'row', title);
    for (const { expr, legendFormat } of targets) {
      assertKnown(expr, title);
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        const isKept =
          new RegExp(`by \\([^)]*\\b${label}\\b`).test(expr) || !/\b(?:sum|count|max)\b/.test(expr);
        assert.ok(isKept, `${title}: the query drops the label ${label} of its legend`);
      }
    }
  }
  for (const { definition } of templating.list) {
    const inner = /^label_values\((.*), \w+\)$/.exec(definition ?? '')?.[1];
    if (definition !== undefined) assertKnown(inner ?? '', definition);
  }
  const used = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join(' ');
  const unseen = own.filter(({ name }) => !used.includes(name)).map(({ name }) => name);
  assert.deepEqual(
    unseen,
    ['posecast_variants_total', 'posecast_shards_in_work', 'posecast_run_info'],
    'metrics without a panel',
  );
});

test('panels lie on the grid side by side, none over another, each with an id of its own', async () => {
  const { panels } = JSON.parse(await read('infra/grafana/posecast.json')) as Dashboard;
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const { title, gridPos } of panels) {
    const { x, y, w, h } = gridPos;
    assert.ok(x >= 0 && x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        assert.ok(!taken.has(`${column},${line}`), `${title} lies over another panel`);
        taken.add(`${column},${line}`);
      }
    }
  }
});

test('every alert asks for metrics and labels that there are', async () => {
  const rules = await read('infra/prometheus/alerts.yml');
  const alerts = rules.split(/^ {6}- alert: /m).slice(1);
  assert.ok(alerts.length >= 5);
  for (const alert of alerts) {
    const [name = ''] = alert.split('\n');
    const expression = /^ {8}expr: ((?:>\n(?: {10}.*\n)+)|.*\n)/m.exec(alert)?.[1] ?? '';
    assertKnown(expression, name);
    assert.match(alert, /severity: (warning|critical)/, name);
    for (const [metric] of alert.matchAll(/\bposecast_\w+/g))
      assert.ok(known.has(metric), `${name}: ${metric}`);
  }
});

const promtool = spawnSync('promtool', ['--version']).status === 0;
const skip = promtool ? false : 'no promtool (Debian: prometheus)';

test('Prometheus accepts the scrape example, and the alerts do what their tests say', { skip }, () => {
  for (const args of [
    ['check', 'config', 'infra/prometheus/prometheus.yml'],
    ['test', 'rules', 'infra/prometheus/alerts.test.yml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: packageRoot, encoding: 'utf8' });
    assert.equal(status, 0, stdout + stderr);
  }
});
