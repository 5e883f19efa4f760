import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepRequest, type TrainingRequest } from '../../src/training/trainingRequest.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const FIRST: TrainingRequest = {
  samples: { version: '1.0.0', seed: 1, people: 7, photographs: 14, listing: 'ab' },
  networks: { peopleLimit: null, generator: { kind: 'vit', knots: [-30, 0, 30] } },
};
const OTHER_SAMPLES = { ...FIRST, samples: { ...FIRST.samples, seed: 2, photographs: 15 } };
const OTHER_NETWORKS = { ...FIRST, networks: { peopleLimit: null, generator: { kind: 'ridge' } } };

/** An OUT that was asked for `FIRST`, and holds these files. */
function withOut(files: readonly string[], use: (out: string) => Promise<void>): Promise<void> {
  return withTempFolder(async (out) => {
    await keepRequest(out, FIRST);
    for (const name of files) await writeFile(join(out, name), 'made of it');
    await use(out);
  });
}

test('what was asked for is kept in OUT, for a person to read', () =>
  withOut([], async (out) => {
    assert.deepEqual(JSON.parse(await readFile(join(out, 'work', 'training.json'), 'utf8')), FIRST);
  }));

for (const made of ['card.json', 'work/autoencoder.checkpoint', 'work/combiner.checkpoint']) {
  test(`over ${made} another request is refused with every difference, and the same one goes on`, () =>
    withOut([made], async (out) => {
      await keepRequest(out, FIRST);
      await assert.rejects(keepRequest(out, OTHER_SAMPLES), {
        code: 'other-training',
        message:
          /another training: seed: 1 there, 2 asked; photographs: 14 there, 15 asked; ask for the same/,
      });
      await assert.rejects(keepRequest(out, OTHER_NETWORKS), {
        code: 'other-training',
        message: /generator\.kind: "vit" there, "ridge" asked; generator\.knots: \[-30,0,30\] there, nothing/,
      });
      assert.deepEqual(JSON.parse(await readFile(join(out, 'work', 'training.json'), 'utf8')), FIRST);
      assert.equal(await readFile(join(out, made), 'utf8'), 'made of it');
    }));
}

test('over samples alone other networks may be asked for, and other samples are refused', () =>
  withOut(['work/samples.arrow'], async (out) => {
    await assert.rejects(keepRequest(out, OTHER_SAMPLES), { code: 'other-training' });
    await keepRequest(out, OTHER_NETWORKS);
    assert.deepEqual(JSON.parse(await readFile(join(out, 'work', 'training.json'), 'utf8')), OTHER_NETWORKS);
  }));

test('where nothing was made yet anything may be asked for', () =>
  withOut([], async (out) => {
    await keepRequest(out, OTHER_SAMPLES);
    assert.deepEqual(JSON.parse(await readFile(join(out, 'work', 'training.json'), 'utf8')), OTHER_SAMPLES);
  }));

test('a training that does not say what was asked for is refused', () =>
  withTempFolder(async (out) => {
    await mkdir(join(out, 'work'));
    await writeFile(join(out, 'work', 'autoencoder.checkpoint'), '');
    for (const text of [undefined, '{"samples": {', '{}']) {
      if (text !== undefined) await writeFile(join(out, 'work', 'training.json'), text);
      await assert.rejects(keepRequest(out, FIRST), { code: 'no-request' });
    }
  }));
