import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { listPhotographs } from '../../bench/photographs.ts';
import { spreadPeople } from '../../src/cli/bench/benchPhotographs.ts';
import { adviceOf, compareBench, formatBench, meanRates } from '../../src/cli/bench/benchReport.ts';
import { reasonOf, type WholeRun, wordsOf } from '../../src/cli/bench/benchWholeRun.ts';
import { packageRoot } from '../../src/shared/package.ts';
import type { StageRate } from '../../src/worker/measure/stageMeter.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { until } from '../helpers/until.ts';

/** 20 ms of one thread a photograph: 100 a second with two threads. */
const stages: readonly StageRate[] = [
  { stage: 'decode', unit: 'faces', perSecond: 250, coreSeconds: 0.004, batch: 1 },
  // A part of it runs on another core.
  { stage: 'pose', unit: 'faces', perSecond: 125, coreSeconds: 0.01, batch: 4 },
  { stage: 'combine', unit: 'variants', perSecond: 1_000, coreSeconds: 0.001, batch: 128 },
  { stage: 'table', unit: 'rows', perSecond: 6_000, coreSeconds: 1 / 6_000, batch: 4_096 },
];

/** 5 variants a photograph. */
function run(facesPerSecond: number): WholeRun {
  return {
    event: 'complete' as const,
    workSeconds: 600 / facesPerSecond,
    longestBlockMs: 1,
    peakMemory: 1,
    totals: { faces: 600, rejected: 0, variants: 3_000, subjects: 300 },
    rejectsByCode: {},
  };
}

const here = { device: 'cpu', hasLibjpegTurbo: true };

test('the limit is the core time of every stage, its share of the variants and rows included, spread over the threads', () => {
  const report = compareBench(stages, run(80), run(2_000), 2);
  assert.ok(Math.abs(report.limitFacesPerSecond! - 100) < 1e-9);
  assert.ok(Math.abs(report.utilisation! - 0.8) < 1e-9);
  assert.equal(report.variantsPerSecond, 400);
  assert.deepEqual([report.bottleneck, report.bottleneckShare], ['pose', 0.5]);
});

test('a stage is charged to the photographs that reach it, and the limit is that of all', () => {
  const detect: StageRate = { stage: 'detect', unit: 'faces', perSecond: 100, coreSeconds: 0.01, batch: 8 };
  const [decode, pose, , table] = stages as readonly [StageRate, StageRate, StageRate, StageRate];
  const whole = {
    ...run(50),
    totals: { faces: 600, rejected: 300, variants: 0, subjects: 300 },
    rejectsByCode: { 'read/no-file': 60, 'decode/not-an-image': 120, 'detect/no-face': 120 },
  };
  const report = compareBench([decode, detect, pose, table], whole, run(2_000), 2);
  const seconds = 0.9 * 0.004 + 0.7 * 0.01 + 0.5 * 0.01 + 0.5 / 6_000;
  assert.ok(Math.abs(report.limitFacesPerSecond! - 2 / seconds) < 1e-9);
  assert.equal(report.bottleneck, 'detect');
  const text = formatBench([decode, detect, pose, table], report, here);
  assert.match(
    text,
    /300 photographs rejected: decode\/not-an-image 120, detect\/no-face 120, read\/no-file 60\n/,
  );
  assert.doesNotMatch(formatBench(stages, compareBench(stages, run(80), run(2_000), 2), here), /rejected/);
});

test('a crop of another size is rejected as soon as it is decoded', () => {
  const [decode, pose] = stages as readonly [StageRate, StageRate, StageRate, StageRate];
  const whole = {
    ...run(50),
    totals: { faces: 600, rejected: 300, variants: 0, subjects: 300 },
    rejectsByCode: { 'align/not-a-crop': 300 },
  };
  const { limitFacesPerSecond } = compareBench([decode, pose], whole, run(2_000), 2);
  assert.ok(Math.abs(limitFacesPerSecond! - 2 / (0.004 + 0.5 * 0.01)) < 1e-9);
});

test('stages and whole run get whole people from all over the corpus', () => {
  const records = Array.from({ length: 100 }, (_, i) => ({
    faceId: `p${Math.floor(i / 5)}/${i}`,
    subjectId: `p${Math.floor(i / 5)}`,
    uri: `${i}.jpg`,
    bytes: 0,
  }));
  const people = spreadPeople(records, 23).map(({ subjectId }) => subjectId);
  const of = (subjectId: string, photographs: number) => Array<string>(photographs).fill(subjectId);
  assert.deepEqual(people, [of('p0', 5), of('p4', 5), of('p8', 5), of('p12', 5), of('p16', 3)].flat());
  assert.deepEqual(spreadPeople(records, 300), records);
  assert.deepEqual(spreadPeople(records, 0), []);
});

test('a run that failed is told by its event and its reason, and not by a line of progress', () => {
  const reasons = [
    { code: 'detect/no-face', photographs: 99, example: { uri: 'a.jpg', message: 'no face' } },
  ];
  const early = { event: 'too-many-rejects', rejects: { photographs: 100, rejected: 99, reasons } };
  assert.deepEqual(reasonOf(`${JSON.stringify(early)}\n`, '12 of 480 faces\n'), {
    event: 'too-many-rejects',
    said: '99 of 100 photographs rejected, detect/no-face 99, such as a.jpg: no face',
  });
  const failed = { event: 'failed', failures: [{ shard: '0', reason: 'model thread died' }] };
  assert.deepEqual(reasonOf(JSON.stringify(failed), ''), { event: 'failed', said: 'model thread died' });
  assert.deepEqual(reasonOf('', 'one\nthe reason\n'), { said: 'the reason' });
});

test('the whole run computes with what was asked for', () => {
  const words = wordsOf('/photographs', '/tmp/x', '/tmp/x/faces.csv', {
    ...{ faces: 80, variants: 0, detector: 'd', recognizer: 'r', format: 'arrow', device: 'cpu', threads: 2 },
    ...{ aligned: false, withPostureCode: false, withoutPose: false, followLinks: true, engine: 'tfjs' },
    ...{ fra: 'models/mine', standIns: { models: false, tables: false } },
  });
  assert.equal(words[words.indexOf('--engine') + 1], 'tfjs');
  assert.equal(words[words.indexOf('--fra') + 1], 'models/mine');
  assert.ok(words.includes('--follow-links'));
});

test('stages and whole run take the FRA model that is asked for', () =>
  withTempFolder(async (folder) => {
    const words = ['bench', '--faces', '24', '--fra', folder];
    for (const more of [[], ['--model', 'dummy']]) {
      const { code, stdout, stderr } = await posecast([...words, ...more]);
      assert.equal(code, 2, stdout + stderr);
      assert.match(stderr, /--fra: expected a FRA model folder or the name of a shipped one/);
    }
  }));

test('photographs without a usable face are refused with the reason of one: there is nothing to measure', async () => {
  const { code, stdout, stderr } = await posecast(['bench', '--aligned', '--faces', '24', '--variants', '0']);
  assert.equal(code, 2, stdout + stderr);
  assert.match(stderr, /posecast: bench: expected usable faces .*first=expected an aligned crop of 112×112/);
});

test('a corpus of links out of it is measured with --follow-links, and without is nothing to measure', () =>
  withTempFolder(async (folder) => {
    const corpus = join(folder, 'corpus');
    const people = await listPhotographs(join(packageRoot, 'samples', 'london'));
    for (const { subjectId, path } of people.slice(0, 6)) {
      await mkdir(join(corpus, subjectId), { recursive: true });
      await symlink(path, join(corpus, subjectId, basename(path)));
    }
    const words = ['bench', corpus, '--faces', '12', '--variants', '0', '--model', 'dummy'];
    const refused = await posecast(words);
    assert.equal(refused.code, 2, refused.stdout + refused.stderr);
    assert.match(refused.stderr, /expected usable faces .*first=read\/link-outside-corpus 12/);
    const measured = await posecast([...words, '--follow-links']);
    assert.equal(measured.code, 0, measured.stderr);
    assert.doesNotMatch(measured.stdout, /rejected/);
  }));

test('a request that cannot be carried out is one with stand-ins, too', async () => {
  const dummy = ['bench', '--faces', '24', '--model', 'dummy'];
  const withVariants = await posecast([...dummy, '--without-pose', '--variants', '10']);
  assert.equal(withVariants.code, 2, withVariants.stderr);
  assert.match(withVariants.stderr, /--without-pose needs --variants 0 \[variants=10\]/);
  const tooMany = await posecast([...dummy, '--variants', '10001']);
  assert.equal(tooMany.code, 2, tooMany.stderr);
  assert.match(tooMany.stderr, /--variants.*0 to 10000/);
  const unknown = await posecast([...dummy, '--recognizer', 'nope']);
  assert.equal(unknown.code, 2, unknown.stderr);
  assert.match(unknown.stderr, /the whole run was refused .*nope/);
});

/**
 * A bench in a process group of its own, stopped by `stop` when its whole run has its Redis; its TMPDIR is the folder.
 */
async function stoppedBench(folder: string, stop: (pid: number) => void) {
  const words = ['bench', '--faces', '20000', '--model', 'dummy', '--sink', 'dummy'];
  const bench = startPosecast(words, { TMPDIR: folder }, ['setsid']);
  const hasRedis = (name: string) => existsSync(join(folder, name, 'posecast-redis.json'));
  await until('the Redis of the whole run', bench, async () => (await readdir(folder)).some(hasRedis));
  stop(bench.child.pid!);
  return bench.done;
}

const STOPS: Record<string, (pid: number) => void> = {
  SIGTERM: (pid) => process.kill(pid, 'SIGTERM'),
  'Ctrl-C, which every process of the terminal gets,': (pid) => process.kill(-pid, 'SIGINT'),
};
for (const [what, stop] of Object.entries(STOPS)) {
  test(`${what} ends the whole run too, and leaves no folder behind`, () =>
    withTempFolder(async (folder) => {
      const { code, stdout, stderr } = await stoppedBench(folder, stop);
      assert.equal(code, 130, stdout + stderr);
      assert.match(stderr, /bench stopped/);
      assert.deepEqual(await readdir(folder), []);
    }));
}

test('a bench that is killed takes its whole run with it', () =>
  withTempFolder(async (folder) => {
    await stoppedBench(folder, (pid) => process.kill(pid, 'SIGKILL'));
    // The run removes its Redis's folder when it is told to end.
    const isRedis = (name: string) => name.startsWith('posecast-redis-');
    while ((await readdir(folder)).some(isRedis)) await sleep(50);
  }));

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

test('what goes on beside the models is the bottleneck where it takes longer than all stages', () => {
  const report = compareBench(stages, run(40), run(50), 2);
  assert.deepEqual([report.bottleneck, report.bottleneckShare], ['reading, queue and tables', 0.8]);
  assert.match(adviceOf(report, here)[0]!, /50\.0 faces\/s, less than the models could/);
});

test('a run of a few seconds is told that more photographs may show another bottleneck', () => {
  const short = { ...run(50), workSeconds: 2, totals: { ...run(50).totals, faces: 100, variants: 500 } };
  const [first, second] = adviceOf(compareBench(stages, short, short, 2), here);
  assert.match(first!, /^more --faces, if the run was short/);
  assert.match(second!, /50\.0 faces\/s, less than the models could/);
});

test('where threads share a GPU no limit is made from its rate and the number of cores', () => {
  const report = compareBench(stages, run(80), run(2_000), null);
  assert.deepEqual([report.limitFacesPerSecond, report.utilisation], [null, null]);
  assert.equal(report.bottleneck, 'pose');
  const text = formatBench(stages, report, { ...here, device: 'cuda' });
  assert.match(text, /whole run on cuda: /);
  assert.match(text, /no limit is given: the threads share the device/);
  assert.match(text, /the device is the limit/);
  assert.equal(compareBench(stages, run(80), run(90), null).bottleneck, 'reading, queue and tables');
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

test('the Redis that others use is no part of what is measured, nor are traces', async () => {
  const words = ['bench', '--faces', '12', '--model', 'dummy', '--sink', 'dummy'];
  const nobody = { REDIS_URL: 'redis://127.0.0.1:1', OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere' };
  const { code, stderr } = await posecast(words, nobody);
  assert.equal(code, 0, stderr);
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
