/** Reads what a metrics endpoint serves, as Prometheus would. */
import assert from 'node:assert/strict';
import { type CliProcess, startPosecast } from '../helpers/cli.ts';
import { until } from '../helpers/until.ts';

/** Values by series, such as `posecast_faces_total{outcome="ok"}`; labels in the order of the alphabet. */
export type Series = ReadonlyMap<string, number>;

export async function scrape(url: string): Promise<Series> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return parseSeries(await response.text());
}

export function parseSeries(text: string): Series {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', labels = '', value = ''] = /^([a-z][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    assert.notEqual(name, '', `not a sample: ${line}`);
    const sorted = labels === '' ? [] : labels.split(/,(?=[a-z]+=")/).sort();
    series.set(
      sorted.length === 0 ? name : `${name}{${sorted.join(',')}}`,
      Number(value.replace('Inf', 'Infinity')),
    );
  }
  return series;
}

/** Every histogram's buckets grow, end at `+Inf`, and that is the count. */
export function assertHistograms(series: Series): void {
  let checked = 0;
  for (const [name, total] of series) {
    const [, metric = '', labels = ''] = /^(posecast_\w+)_count(?:\{(.*)\})?$/.exec(name) ?? [];
    if (metric === '') continue;
    const buckets = [...series].flatMap(([key, value]) => {
      const [, found, all = ''] = /^(\w+)_bucket\{(.*)\}$/.exec(key) ?? [];
      const others = all.split(',').filter((label) => !label.startsWith('le='));
      if (found !== metric || others.join(',') !== labels) return [];
      const le = /le="([^"]+)"/.exec(all)?.[1] ?? '';
      return [{ le: le === '+Inf' ? Infinity : Number(le), value }];
    });
    buckets.sort((a, b) => a.le - b.le);
    assert.ok(buckets.length > 2, name);
    assert.equal(buckets.at(-1)?.le, Infinity, name);
    assert.equal(buckets.at(-1)?.value, total, name);
    for (let i = 1; i < buckets.length; i++) assert.ok(buckets[i]!.value >= buckets[i - 1]!.value, name);
    const sum = series.get(labels === '' ? `${metric}_sum` : `${metric}_sum{${labels}}`) ?? Number.NaN;
    assert.ok(total === 0 ? sum === 0 : sum >= 0, `${name}: sum ${sum}`);
    checked++;
  }
  assert.ok(checked > 10);
}

/** The address that a process said it serves metrics at. */
export async function metricsUrl(process: CliProcess): Promise<string> {
  const pattern = /metrics: (http:\/\/[^/\s]+)\/metrics/;
  await until('the metrics', process, () => pattern.test(process.output()));
  return pattern.exec(process.output())?.[1] ?? '';
}

/** A process of the command line that does not outlive its test. */
export async function withPosecast<T>(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  run: (process: CliProcess) => Promise<T>,
): Promise<T> {
  const process = startPosecast(args, env);
  try {
    return await run(process);
  } finally {
    if (process.child.exitCode === null) process.child.kill('SIGKILL');
    await process.done;
  }
}
