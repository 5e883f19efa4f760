import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { adviceOf, compareBench, meanRates } from '../../src/cli/benchReport.ts';
import { packageRoot } from '../../src/shared/package.ts';
import type { StageRate } from '../../src/worker/measureStages.ts';

/** 20 ms of one thread a photograph: 100 a second with two threads. */
const stages: readonly StageRate[] = [
  { stage: 'decode', unit: 'faces', perSecond: 250, coreSeconds: 0.004, batch: 1 },
  // A part of it runs on another core.
  { stage: 'pose', unit: 'faces', perSecond: 125, coreSeconds: 0.01, batch: 4 },
  { stage: 'combine', unit: 'variants', perSecond: 1_000, coreSeconds: 0.001, batch: 128 },
  { stage: 'table', unit: 'rows', perSecond: 6_000, coreSeconds: 1 / 6_000, batch: 4_096 },
];

/** 5 variants a photograph. */
function run(facesPerSecond: number) {
  return {
    event: 'complete' as const,
    workSeconds: 600 / facesPerSecond,
    longestBlockMs: 1,
    peakMemory: 1,
    totals: { faces: 600, variants: 3_000, subjects: 300 },
  };
}

test('the limit is the core time of every stage, its share of the variants and rows included, spread over the threads', () => {
  const report = compareBench(stages, run(80), run(2_000), 2);
  assert.ok(Math.abs(report.limitFacesPerSecond - 100) < 1e-9);
  assert.ok(Math.abs(report.utilisation - 0.8) < 1e-9);
  assert.equal(report.variantsPerSecond, 400);
  assert.deepEqual([report.bottleneck, report.bottleneckShare], ['pose', 0.5]);
});

test('of stages before and after a run the time of an item is the mean, and the batch that of the faster', () => {
  const after = stages.map((stage) => ({
    ...stage,
    perSecond: stage.perSecond / 2,
    coreSeconds: stage.coreSeconds * 2,
    batch: 16,
  }));
  const [decode] = meanRates(stages, after);
  assert.deepEqual(decode, { ...stages[0], perSecond: 1 / 0.006, coreSeconds: 0.006, batch: 1 });
  assert.deepEqual(meanRates(after, stages), meanRates(stages, after));
});

const here = { device: 'cpu', hasLibjpegTurbo: true };

test('what goes on beside the models is the bottleneck where it takes longer than all stages', () => {
  const report = compareBench(stages, run(40), run(50), 2);
  assert.deepEqual([report.bottleneck, report.bottleneckShare], ['reading, queue and tables', 0.8]);
  assert.match(adviceOf(report, here)[0]!, /50\.0 faces\/s, less than the models could/);
});

test('a run far below its limit is told to look for what else takes the cores', () => {
  assert.match(adviceOf(compareBench(stages, run(50), run(2_000), 2), here)[0]!, /other programs/);
  const well = adviceOf(compareBench(stages, run(90), run(2_000), 2), here);
  assert.deepEqual(well, [
    'the networks are the limit: a GPU (posecast devices), or more machines (posecast work)',
  ]);
});

test('where libjpeg-turbo is not installed it is advised', () => {
  const report = compareBench(stages, run(90), run(2_000), 2);
  assert.match(adviceOf(report, { ...here, hasLibjpegTurbo: false })[0]!, /libturbojpeg0/);
});

test('a run without models and tables is measured as one, and counts what it stands in for', async () => {
  const bin = join(packageRoot, 'bin', 'posecast.js');
  const words = ['bench', '--faces', '48', '--model', 'dummy', '--sink', 'dummy', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, [bin, ...words]);
  const facts = JSON.parse(stdout) as { standIns: object; facesPerSecond: number; totals: object };
  assert.deepEqual(facts.standIns, { models: true, tables: true });
  assert.ok(facts.facesPerSecond > 0);
  assert.deepEqual(facts.totals, { ...facts.totals, faces: 48, subjects: 24, variants: 240 });
});
