/** What a run asks of a FRA model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensureModels } from '../../src/models/pull.ts';
import { parseRunConfig } from '../../src/shared/config.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openRunAssets } from '../../src/worker/runAssets.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { type UntrainedFraOptions, writeUntrainedFraModel } from '../helpers/untrainedFraModel.ts';

/** A model for fr-feature. */
async function writeFra(fra: string, options: Omit<UntrainedFraOptions, 'recognizer'>): Promise<void> {
  const [model] = await ensureModels(['fr-feature']);
  const recognizer = { name: 'fr-feature', sha256: model!.sourceDigest, embedDim: 512 };
  await writeUntrainedFraModel(fra, { recognizer, combiner: { depth: 1, mlpDim: 32 }, ...options });
}

const configOf = (more: object) =>
  parseRunConfig({ corpus: packageRoot, imageRoot: packageRoot, corpusFormat: 'folder', ...more });

test('codes of photographs and of variants are in one column only where the model is told codes', () =>
  withTempFolder(async (fra) => {
    await writeFra(fra, { posture: 'yaw' });
    const open = (more: object) => openRunAssets(configOf({ fra, ...more }), () => undefined);
    await assert.rejects(open({ variants: 1, withPostureCode: true }), {
      name: 'ConfigError',
      message: /--with-posture-code: expected a FRA model whose postures are codes, found yaw/,
    });
    await open({ variants: 0, withPostureCode: true });
    await open({ variants: 1 });
  }));

test('it is said when more variants are asked for than the model has postures', () =>
  withTempFolder(async (fra) => {
    await writeFra(fra, { postures: 12 });
    for (const [variants, expected] of [
      [12, []],
      [13, [/^--variants 13: the FRA model has 12 postures/]],
    ] as const) {
      const notes: string[] = [];
      await openRunAssets(configOf({ fra, variants }), (line) => notes.push(line));
      assert.equal(notes.length, expected.length, notes.join());
      for (const pattern of expected) assert.match(notes[0]!, pattern);
    }
  }));
