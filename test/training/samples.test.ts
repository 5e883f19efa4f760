import assert from 'node:assert/strict';
import { appendFile, mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { countPoses } from '../../src/shared/poseBins.ts';
import { postureBankOf } from '../../src/training/postureBankOf.ts';
import {
  readAnySamples,
  readSamples,
  type TrainingSample,
  writeSamples,
} from '../../src/training/samples.ts';
import { appendLog, dropTornLine, readLog } from '../../src/training/trainingLog.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

function sample(i: number): TrainingSample {
  return {
    subjectId: `person ${i % 5}`,
    origin: i % 3 === 0 ? ['ä', `person ${i}`] : [],
    faceId: `person ${i % 5}/ä ${i}.jpg`,
    gridIndex: (i % 4) - 1,
    pose: { yaw: (i % 121) - 60, pitch: 0.5, roll: -2 },
    landmarks: Float32Array.from({ length: 136 }, (_, k) => i + k / 8),
    embedding: Float32Array.from({ length: 7 }, (_, k) => i - k),
  };
}

test('samples come back as they were written, for the same key only', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'samples.arrow');
    const samples = Array.from({ length: 9 }, (_, i) => sample(i));
    await writeSamples(path, 'this', samples);
    assert.deepEqual(await readSamples(path, 'this'), samples);
    assert.equal(await readSamples(path, 'other'), undefined);
    await truncate(path, 300);
    assert.equal(await readSamples(path, 'this'), undefined);
    assert.equal(await readSamples(join(folder, 'nothing'), 'this'), undefined);
  });
});

test('samples are read of a file only: a device is refused, which may never end', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 'samples.arrow');
    await symlink('/dev/full', path);
    const expected = { name: 'ConfigError', code: 'bad-samples', message: /expected a file.*samples\.arrow/ };
    await assert.rejects(readSamples(path, 'key'), expected);
    await assert.rejects(readAnySamples(path), expected);
  }));

test('a log that cannot be written is named', () =>
  withTempFolder(async (folder) => {
    const entry = { step: 1, learningRate: 1, losses: {}, validation: { score: 1, measures: {} } };
    await assert.rejects(appendLog('/dev/full', 'combiner', entry), {
      code: 'unwritable-training-log',
      message: /training log: .*ENOSPC.*file=\/dev\/full/,
    });
    const path = join(folder, 'training-log.jsonl');
    await mkdir(path);
    await assert.rejects(appendLog(path, 'combiner', entry), { message: /EISDIR.*training-log\.jsonl/ });
  }));

test('the posture bank takes at most sixteen postures a pose bin, each once, with its own pose', () => {
  const samples = Array.from({ length: 400 }, (_, i) => sample(i));
  const codes = samples.map((_, i) => new Float32Array(POSTURE_DIM).fill(i));
  const bank = postureBankOf(samples, codes, 1);
  const counts = countPoses(bank.ids.map((_, i) => ({ yaw: bank.yaw[i]!, pitch: bank.pitch[i]! })));
  assert.ok(Math.max(...counts) === 16);
  const chosen = bank.ids.map((_, i) => bank.codes[i * POSTURE_DIM]!);
  assert.equal(new Set(chosen).size, chosen.length);
  chosen.forEach((index, i) => {
    assert.equal(bank.yaw[i], samples[index]!.pose.yaw);
  });
  assert.deepEqual(postureBankOf(samples, codes, 1), bank);
});

test('a step that was logged twice around an interruption counts once, and stages are kept apart', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'training-log.jsonl');
    assert.deepEqual(await readLog(path, 'combiner'), []);
    const entry = (step: number, score: number) => ({
      ...{ step, learningRate: 0.1, losses: { a: 1 } },
      validation: { score, measures: { b: 2 } },
    });
    await appendLog(path, 'autoencoder', entry(10, 9));
    for (const [step, score] of [
      [10, 1],
      [20, 2],
      [20, 3],
    ] as const) {
      await appendLog(path, 'combiner', entry(step, score));
    }
    assert.deepEqual(await readLog(path, 'combiner'), [entry(10, 1), entry(20, 3)]);
    await writeFile(path, 'not json\n');
    await assert.rejects(readLog(path, 'combiner'), { code: 'bad-training-log' });
  });
});

test('a line that an interruption left torn is dropped, and the next entry has a line of its own', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'training-log.jsonl');
    await dropTornLine(path);
    assert.deepEqual(await readLog(path, 'combiner'), []);
    const entry = (step: number) => ({
      ...{ step, learningRate: 0.1, losses: { é: 1 } },
      validation: { score: 1, measures: {} },
    });
    await appendLog(path, 'combiner', entry(10));
    await dropTornLine(path);
    await appendFile(path, '{"stage":"combiner","st');
    await dropTornLine(path);
    await appendLog(path, 'combiner', entry(20));
    assert.deepEqual(await readLog(path, 'combiner'), [entry(10), entry(20)]);
  });
});
