import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { locateFraModel, openFraModel } from '../../src/fra/fraModel.ts';
import { decodePostureBank, encodePostureBank } from '../../src/fra/postureBank.ts';
import { ConfigError, IntegrityError } from '../../src/shared/errors.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { randomBank, writeUntrainedFraModel } from '../helpers/untrainedFraModel.ts';

const recognizer = { name: 'fr-feature', sha256: 'a'.repeat(64), embedDim: 512 };
let root: string;
let folder: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'posecast-fra-'));
});
beforeEach(async () => {
  folder = join(root, 'model');
  await rm(folder, { recursive: true, force: true });
  await writeUntrainedFraModel(folder, { recognizer, postures: 12, combiner: { depth: 1 } });
});
after(() => rm(root, { recursive: true, force: true }));

async function changeCard(change: (card: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, 'card.json');
  const card = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  change(card);
  await writeFile(path, JSON.stringify(card));
}

test('a model folder that was written opens with the same card and bank', async () => {
  const model = await openFraModel(folder);
  assert.equal(model.card.recognizer.embedDim, 512);
  assert.deepEqual(model.bank, randomBank(12, 0));
  assert.equal(model.card.bank.postures, 12);
});

test('a card with a key that nobody knows is refused, and the key is named', async () => {
  await changeCard((card) => {
    card.accuracy = 1;
  });
  await assert.rejects(openFraModel(folder), (error: Error) => {
    assert.ok(error instanceof IntegrityError);
    assert.match(error.message, /accuracy/);
    return true;
  });
});

test('a card of version 1 is refused, and the sentence says what to do', async () => {
  await changeCard((card) => {
    card.cardVersion = 1;
  });
  await assert.rejects(openFraModel(folder), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'old-fra-card');
    assert.match(error.message, /expected 2; train the model again/);
    return true;
  });
});

test('a network that is not the one of the card is refused, truncated or exchanged', async () => {
  await truncate(join(folder, 'decoder.onnx'), 1000);
  await assert.rejects(openFraModel(folder), { code: 'fra-file-altered' });
  await rm(join(folder, 'decoder.onnx'));
  await assert.rejects(openFraModel(folder), { code: 'fra-file-missing' });
});

test('a folder without a model, or a name that is not shipped, is a configuration error', async () => {
  await assert.rejects(openFraModel(join(root, 'nothing')), ConfigError);
  assert.equal(locateFraModel('no-such-model'), 'no-such-model');
  await assert.rejects(openFraModel(locateFraModel('no-such-model')), ConfigError);
});

test('a posture bank comes back as it was written', () => {
  const bank = randomBank(7, 3);
  const found = decodePostureBank(encodePostureBank(bank), 'bank');
  assert.deepEqual(found, bank);
  assert.equal(found.codes.length, 7 * POSTURE_DIM);
});

test('a posture bank with a value that is not finite, or an id twice, or no rows, is refused', () => {
  const broken = randomBank(3, 0);
  broken.codes[5] = Number.NaN;
  assert.throws(() => decodePostureBank(encodePostureBank(broken), 'bank'), IntegrityError);
  const doubled = { ...randomBank(2, 0), ids: ['a', 'a'] };
  assert.throws(() => decodePostureBank(encodePostureBank(doubled), 'bank'), IntegrityError);
  assert.throws(() => decodePostureBank(encodePostureBank(randomBank(0, 0)), 'bank'), IntegrityError);
  assert.throws(() => decodePostureBank(new Uint8Array(40), 'bank'), IntegrityError);
});
