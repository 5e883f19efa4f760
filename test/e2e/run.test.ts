/** The main job as a user runs it: real command line, real Redis, real models, the sample photographs. */
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { locateFraModel, openFraModel } from '../../src/fra/fraModel.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { dot } from '../../src/shared/l2.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { openCombiner } from '../../src/worker/models/combiner.ts';
import { childRedis } from '../helpers/childRedis.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { largestDifference, readRun } from '../helpers/readRun.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');

before(async () => {
  const pulled = await posecast(['models', 'pull']);
  assert.equal(pulled.code, 0, pulled.stderr);
});

test('a folder of photographs becomes a committed table that verifies', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const ran = await posecast(['run', samples, out, '--variants', '6', '--shard-faces', '8']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /is complete/);
    const { manifest, rows } = await readRun(out);
    assert.equal(manifest.totals.subjects, 12);
    assert.equal(manifest.totals.faces, 24);
    assert.equal(manifest.totals.ok, 24);
    assert.equal(manifest.shards, 3);
    assert.equal(rows.length, 24 + manifest.totals.variants);
    assert.ok(manifest.totals.variants >= 0.9 * 12 * 6, `kept ${manifest.totals.variants} variants`);
    for (const row of rows) assert.ok(Math.abs(dot(row.embedding, row.embedding) - 1) < 1e-3);

    const verified = await posecast(['verify', out]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  }));

test('posture codes of photographs take time only in a run whose table holds them', () =>
  withTempFolder(async (folder) => {
    const stagesOf = async (name: string, options: readonly string[]) => {
      const out = join(folder, name);
      const ran = await posecast(['run', samples, out, '--variants', '2', ...options]);
      assert.equal(ran.code, 0, ran.stderr);
      const store = await openStore(out, { access: 'read' });
      const commit = await readShardCommit(store, 0);
      await store.close();
      return Object.keys(commit!.timingsMs);
    };
    const [without, withCodes] = [
      await stagesOf('without', []),
      await stagesOf('with', ['--with-posture-code']),
    ];
    assert.deepEqual(
      withCodes.filter((stage) => !without.includes(stage)),
      ['posture'],
    );
    assert.ok(without.includes('combine'));
  }));

test('every variant is what the combiner makes of its source face at its posture, however many are asked for', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    // More than the model threads get at a time.
    const ran = await posecast(['run', samples, out, '--variants', '30']);
    assert.equal(ran.code, 0, ran.stderr);
    const { rows } = await readRun(out);
    const variants = rows.filter(({ kind }) => kind === 'augmented');
    assert.ok(variants.length > 300);
    const real = new Map(rows.map((row) => [row.faceId, row.embedding]));
    const { bank, paths } = await openFraModel(locateFraModel('fr-feature'));
    const combiner = await openCombiner(paths.combiner, { device: 'cpu', intraOpThreads: 1 });
    for (const { faceId, sourceFaceId, postureId, embedding } of variants) {
      const posture = bank.ids.indexOf(postureId!) * POSTURE_DIM;
      const code = bank.codes.slice(posture, posture + POSTURE_DIM);
      const made = await combiner.combine(real.get(sourceFaceId!)!, code);
      const worst = Math.max(...made.map((value, i) => Math.abs(value - embedding[i]!)));
      assert.ok(worst < 1e-5, `${faceId} differs by ${worst}`);
    }
    await combiner.close();
  }));

test('real faces of one person are nearer to each other than to anybody else', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    assert.equal((await posecast(['run', samples, out, '--variants', '0'])).code, 0);
    const { rows } = await readRun(out);
    for (const row of rows) {
      const others = rows.filter((other) => other.faceId !== row.faceId);
      const nearest = others.reduce((a, b) =>
        dot(b.embedding, row.embedding) > dot(a.embedding, row.embedding) ? b : a,
      );
      assert.equal(nearest.subjectId, row.subjectId);
    }
  }));

test('the same seed gives the same table, another seed other variants of the same faces', () =>
  withTempFolder(async (folder) => {
    const outs = ['a', 'b', 'c'].map((name) => join(folder, name));
    const seeds = ['7', '7', '8'];
    // Other shards, threads and batches: how the work is cut must not show in the result.
    const cuts = [[], ['--shard-faces', '4', '--threads', '1', '--batch', '3'], []];
    for (const [i, out] of outs.entries()) {
      const ran = await posecast(['run', samples, out, '--variants', '4', '--seed', seeds[i]!, ...cuts[i]!]);
      assert.equal(ran.code, 0, ran.stderr);
    }
    const [a, b, c] = await Promise.all(outs.map(readRun));
    assert.ok(largestDifference(a!, b!) <= 1e-5);
    assert.notDeepEqual(
      a!.rows.map((row) => row.postureId),
      c!.rows.map((row) => row.postureId),
    );
  }));

test('running a finished run again does nothing and says the same', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    assert.equal((await posecast(['run', samples, out, '--variants', '1'])).code, 0);
    const before = await readRun(out);
    const again = await posecast(['run', samples, out, '--variants', '1']);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /is complete/);
    assert.deepEqual((await readRun(out)).manifest, before.manifest);
  }));

test('a killed run is finished by the same command, recomputing only what was not committed', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const args = ['run', samples, out, '--variants', '2', '--shard-faces', '2', '--threads', '1'];
    const first = startPosecast(args);
    const committed = async () => (await readdir(join(out, 'commits')).catch(() => [])).length;
    while ((await committed()) < 3 && first.child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    first.child.kill('SIGKILL');
    await first.done;
    const done = await committed();
    assert.ok(done >= 3 && done < 12, `killed after ${done} of 12 shards`);

    const resumed = await posecast(args);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal((await posecast(['verify', out])).code, 0);
    const undisturbed = join(folder, 'undisturbed');
    assert.equal((await posecast(['run', samples, undisturbed, ...args.slice(3)])).code, 0);
    assert.ok(largestDifference(await readRun(out), await readRun(undisturbed)) <= 1e-5);
  }));

test('SIGTERM hands the shards back and exits with 130; the same command finishes', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const args = ['run', samples, out, '--variants', '1', '--shard-faces', '2', '--threads', '1'];
    const first = startPosecast(args);
    while (
      (await readdir(join(out, 'commits')).catch(() => [])).length < 1 &&
      first.child.exitCode === null
    ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    first.child.kill('SIGTERM');
    const stopped = await first.done;
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(stopped.stderr, /same command/);
    const resumed = await posecast(args);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal((await posecast(['verify', out])).code, 0);
  }));

test('broken photographs become rejects with a reason, legitimate odd ones are processed, the run goes on', () =>
  withTempFolder(async (folder) => {
    const corpus = join(folder, 'corpus');
    const anna = join(corpus, 'anna');
    await mkdir(anna, { recursive: true });
    const photo = join(samples, '001', 'neutral.jpg');
    const jpeg = await sharp(photo).jpeg().toBuffer();
    const landscape = sharp({ create: { width: 300, height: 200, channels: 3, background: '#7a9' } });
    await cp(photo, join(anna, 'good.jpg'));
    await sharp(photo).toColourspace('cmyk').jpeg().toFile(join(anna, 'good-cmyk.jpg'));
    await sharp(photo).grayscale().png().toFile(join(anna, 'good-grey.png'));
    await sharp(photo).toColourspace('rgb16').png().toFile(join(anna, 'good-16bit.png'));
    await sharp(photo).webp().toFile(join(anna, 'good.webp'));
    await writeFile(join(anna, 'truncated.jpg'), jpeg.subarray(0, jpeg.length / 3));
    await writeFile(join(anna, 'text.jpg'), 'not an image');
    await writeFile(join(anna, 'empty.jpg'), '');
    await landscape.clone().png().toFile(join(anna, 'no-face.png'));
    await landscape.clone().resize(1, 1).png().toFile(join(anna, 'one-pixel.png'));
    await landscape
      .clone()
      .resize(20_000, 20_000)
      .png({ compressionLevel: 9 })
      .toFile(join(anna, 'huge.png'));
    const out = join(folder, 'out');
    const ran = await posecast(['run', corpus, out, '--variants', '3']);
    assert.equal(ran.code, 0, ran.stderr);
    const { rows, rejects, manifest } = await readRun(out);
    const real = rows.filter((row) => row.kind === 'real');
    assert.deepEqual(
      real.map((row) => row.faceId.split('/')[1]),
      ['good-16bit.png', 'good-cmyk.jpg', 'good-grey.png', 'good.jpg', 'good.webp'],
    );
    assert.deepEqual(
      rejects.map(({ faceId, stage }) => [faceId.split('/')[1], stage]),
      [
        ['empty.jpg', 'decode'],
        ['huge.png', 'decode'],
        ['no-face.png', 'detect'],
        ['one-pixel.png', 'decode'],
        ['text.jpg', 'decode'],
        ['truncated.jpg', 'decode'],
      ],
    );
    assert.equal(manifest.totals.faces, 11);
    const colour = real.find((row) => row.faceId.endsWith('good.jpg'))!;
    for (const row of real) assert.ok(dot(row.embedding, colour.embedding) > 0.8, row.faceId);
    assert.equal((await posecast(['verify', out])).code, 0);
  }));

test('a CSV list gives the embeddings of the folder it lists', () =>
  withTempFolder(async (folder) => {
    const people = await readdir(samples);
    const lines = people.reverse().map((id) => `face-${id},${id},${id}/smile.jpg`);
    const list = join(folder, 'faces.csv');
    await writeFile(list, ['face_id,subject_id,path', ...lines, ''].join('\n'));
    const out = join(folder, 'out');
    const ran = await posecast(['run', list, out, '--image-root', samples, '--variants', '1']);
    assert.equal(ran.code, 0, ran.stderr);
    const fromFolder = join(folder, 'folder');
    assert.equal((await posecast(['run', samples, fromFolder, '--variants', '0'])).code, 0);
    const expected = new Map((await readRun(fromFolder)).rows.map((row) => [row.faceId, row]));
    const real = (await readRun(out)).rows.filter((row) => row.kind === 'real');
    assert.equal(real.length, 12);
    for (const row of real) {
      const same = expected.get(`${row.subjectId}/smile.jpg`)!;
      assert.ok(dot(row.embedding, same.embedding) > 1 - 1e-5, row.faceId);
    }
  }));

test('the Arrow format and half precision hold the same embeddings', () =>
  withTempFolder(async (folder) => {
    const full = join(folder, 'full');
    const half = join(folder, 'half');
    assert.equal((await posecast(['run', samples, full, '--variants', '1'])).code, 0);
    const flags = ['--format', 'arrow', '--embedding-type', 'float16'];
    const ran = await posecast(['run', samples, half, '--variants', '1', ...flags]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.ok(largestDifference(await readRun(full), await readRun(half)) <= 1e-3);
    assert.equal((await posecast(['verify', half])).code, 0);
  }));

test('a removed or altered file is found by verify', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    assert.equal((await posecast(['run', samples, out, '--variants', '1', '--shard-faces', '8'])).code, 0);
    const [file] = await readdir(join(out, 'data'));
    await rm(join(out, 'data', file!));
    const verified = await posecast(['verify', out]);
    assert.equal(verified.code, 1);
    assert.ok(verified.stdout.includes(file!), verified.stdout);
  }));

test('a run whose own Redis is killed ends with one clear line, and the same command finishes it', () =>
  withTempFolder(async (folder) => {
    const out = join(folder, 'out');
    const args = ['run', samples, out, '--variants', '1', '--shard-faces', '2', '--threads', '1'];
    const first = startPosecast(args);
    while (
      (await readdir(join(out, 'commits')).catch(() => [])).length < 1 &&
      first.child.exitCode === null
    ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    process.kill((await childRedis(first.child.pid!))!, 'SIGKILL');
    const stopped = await first.done;
    assert.equal(stopped.code, 1, stopped.stderr);
    assert.match(stopped.stderr, /own redis-server.*the same command resumes/);
    const resumed = await posecast(args);
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal((await posecast(['verify', out])).code, 0);
  }));
