/** A recogniser of one's own whose registry entry is changed: the same weights, fed with other numbers. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { embedViews } from '../../src/evaluate/corpus/embedViews.ts';
import { cacheRoot } from '../../src/models/cache.ts';
import { ensureModels } from '../../src/models/pull.ts';
import { loadRegistry } from '../../src/models/registry.ts';
import { planRun } from '../../src/producer/planRun.ts';
import { createReleasers } from '../../src/shared/async/releasers.ts';
import { parseRunConfig } from '../../src/shared/config.ts';
import { openPhotographs } from '../../src/shared/corpus/photographs.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { cachedSamples } from '../../src/training/cachedSamples.ts';
import type { TrainConfig, TrainHooks, TrainInputs } from '../../src/training/trainConfig.ts';
import { resolvePipelineModels } from '../../src/worker/models/pipelineModels.ts';
import { openShardContext } from '../../src/worker/openShardContext.ts';
import { openRunAssets } from '../../src/worker/runAssets.ts';
import { withEnvironment } from '../helpers/services/s3.ts';
import { withFolderStore } from '../helpers/stores.ts';
import { writeUntrainedFraModel } from '../helpers/untrainedFraModel.ts';
import { tinyRecognizer } from '../hostile/tinyModels.ts';

const DIM = 16;
const RGB = { colour: 'rgb', mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5], layout: 'NCHW' };
const BGR = { colour: 'bgr', mean: [104, 117, 123], std: [1, 1, 1], layout: 'NCHW' };
const names = { detector: 'fr-detect', recognizer: 'my' };

/** A cache of its own that has the shipped models of this machine's, and a registry for each pre-processing. */
let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posecast-own-'));
  await ensureModels(['fr-detect', 'fr-landmark', 'fr-feature', 'fr-pose']);
  await mkdir(join(folder, 'cache', 'models'), { recursive: true });
  for (const name of ['fr-detect', 'fr-landmark', 'fr-feature', 'fr-pose']) {
    await symlink(join(cacheRoot(), 'models', name), join(folder, 'cache', 'models', name));
  }
  await writeFile(join(folder, 'my.onnx'), tinyRecognizer(DIM));
  for (const [file, preprocess] of Object.entries({ rgb: RGB, bgr: BGR }))
    await writeRegistry(file, preprocess);
});
after(() => rm(folder, { recursive: true, force: true }));

async function writeRegistry(file: string, preprocess: object): Promise<void> {
  const my = {
    ...{ kind: 'recognizer', family: 'embedding', summary: 'own', preprocess, embedDim: DIM },
    files: {
      model: {
        source: 'file:my.onnx',
        sha256: null,
        format: 'onnx',
        inputs: [{ shape: ['N', 3, 112, 112] }],
        outputs: [{ shape: ['N', DIM] }],
      },
    },
    licence: { weights: 'none', trainingData: 'none' },
    homepage: 'none',
  };
  const content = { registryVersion: 1, models: { my } };
  await writeFile(join(folder, `${file}.json`), JSON.stringify(content));
}

const withRegistry = <T>(file: 'rgb' | 'bgr', run: () => Promise<T>): Promise<T> =>
  withEnvironment(
    { POSECAST_CACHE: join(folder, 'cache'), POSECAST_REGISTRY: join(folder, `${file}.json`) },
    run,
  );

const corpus = join(packageRoot, 'samples', 'london');
const asked = { corpus, imageRoot: corpus, corpusFormat: 'folder', recognizer: 'my' } as const;
const assetsOf = (file: 'rgb' | 'bgr', more: object = {}) =>
  withRegistry(file, () =>
    openRunAssets(parseRunConfig({ ...asked, variants: 0, ...more }), () => undefined),
  );

test('a run is not gone on with, nor worked on, with another pre-processing, and both are named', () =>
  withFolderStore(async (store) => {
    const config = parseRunConfig({ ...asked, variants: 0 });
    const [rgb, bgr] = [await assetsOf('rgb'), await assetsOf('bgr')];
    const { run } = await planRun(config, store, { models: rgb.runModels });
    const message =
      /model my: ".{64} preprocess rgb mean 127\.5,127\.5,127\.5 std 127\.5,127\.5,127\.5" there, ".{64} preprocess bgr mean 104,117,123 std 1,1,1" asked/;
    for (const append of [false, true]) {
      await assert.rejects(planRun(config, store, { models: bgr.runModels, append }), {
        code: 'another-run',
        message,
      });
    }
    const compute = { device: 'cpu', threads: 1, batchFaces: 1 } as const;
    await assert.rejects(openShardContext(run, store, bgr, compute, createReleasers()), {
      code: 'other-models',
      facts: { expected: run.models.my, found: bgr.runModels.models.my },
    });
    assert.equal(run.recognizer.digest, run.models.my, 'what the tables name');
    assert.deepEqual((await assetsOf('rgb')).runModels, rgb.runModels);
  }));

test('a FRA model is only for the pre-processing that it was trained with', async () => {
  const sha256 = await withRegistry('rgb', async () => (await ensureModels(['my']))[0]!.sourceDigest);
  const fra = join(folder, 'fra');
  await writeUntrainedFraModel(fra, {
    recognizer: { name: 'my', sha256, embedDim: DIM },
    combiner: { depth: 1, mlpDim: 32 },
  });
  const more = { variants: 1, fra };
  assert.equal((await assetsOf('rgb', more)).fra?.card.recognizer.sha256, sha256);
  await assert.rejects(assetsOf('bgr', more), { code: 'other-recognizer' });
});

test('a recogniser that no FRA model is asked for with and none comes with is refused with what to do, a wrong model by its option', async () => {
  const ownFra = { fra: 'my', variants: 1 };
  const advice = 'my has no FRA model of its own: --fra FOLDER (posecast train --recognizer my)';
  for (const [more, message] of [
    [ownFra, `${advice}, or --variants 0`],
    [{ ...ownFra, withPostureCode: true }, advice],
    [
      { ...ownFra, fra: folder },
      /^--fra: expected a FRA model folder or the name of a shipped one .*, found no card/,
    ],
  ] as const) {
    await assert.rejects(assetsOf('rgb', more), { name: 'ConfigError', code: 'no-fra-model', message });
  }
});

test('a recogniser that is shipped is named by the digest of its weights alone, also from a registry of one’s own', async () => {
  const shipped = (await loadRegistry('')).entries.get('fr-feature')!;
  const { name, ...content } = shipped;
  const path = join(folder, 'copied.json');
  const identityOf = async (preprocess: object) => {
    const models = { [name]: { ...content, preprocess } };
    await writeFile(path, JSON.stringify({ registryVersion: 1, models }));
    return await withEnvironment(
      { POSECAST_CACHE: join(folder, 'cache'), POSECAST_REGISTRY: path },
      async () => (await ensureModels([name]))[0]!,
    );
  };
  const [built] = await ensureModels([name]);
  assert.deepEqual([built!.digest, built!.sourceDigest], [built!.sha256, built!.sourceSha256]);
  assert.equal((await identityOf(shipped.preprocess)).digest, built!.sha256);
  const changed = await identityOf({ ...shipped.preprocess, colour: 'bgr' });
  assert.equal(changed.digest, `${built!.sha256} preprocess bgr mean 127,127,127 std 128,128,128`);
  assert.equal(changed.sha256, built!.sha256);
  const { model } = content.files;
  const files = { model: { ...model, source: 'file:/mirror/feature.onnx', sha256: null } };
  await writeFile(path, JSON.stringify({ registryVersion: 1, models: { [name]: { ...content, files } } }));
  const mirrored = (await loadRegistry(path)).entries.get(name);
  assert.equal(mirrored?.ownPreprocess, undefined, 'the same weights from another place');
});

test('neither an evaluation nor a training takes what it kept of another pre-processing', async () => {
  const signal = new AbortController().signal;
  const photographs = await openPhotographs({ imageRoot: corpus, corpusFormat: 'folder' }, { signal });
  const face = {
    faceId: '001/neutral.jpg',
    subjectId: '001',
    uri: '001/neutral.jpg',
    bytes: 0,
  };
  // A training wants six people; one is enough to see whose samples come.
  const people = [
    face,
    ...Array.from({ length: 5 }, (_, i) => ({ ...face, subjectId: `gone-${i}`, uri: `gone-${i}` })),
  ];
  const work = join(folder, 'work');
  const ofView = (file: 'rgb' | 'bgr') =>
    withRegistry(file, async () => {
      const recognizers = [await resolvePipelineModels(names)];
      const requests = [{ photographs, face, views: [{ kind: 'photograph' } as const] }];
      const [views] = await embedViews(requests, { recognizers, work, signal, progress: () => undefined });
      const [outcome] = views!.outcomes.get('my')!;
      assert.ok(outcome?.status === 'ok');
      return outcome.view.embedding;
    });
  const ofSample = (file: 'rgb' | 'bgr') =>
    withRegistry(file, async () => {
      const config = { seed: 1, validationShare: 0.2, renders: true, inventedPeople: 0 } as TrainConfig;
      const inputs = { faces: people, photographs, models: await resolvePipelineModels(names) };
      const hooks = { stage: () => undefined, progress: () => undefined, signal };
      const folders = { work: join(folder, 'train', 'work'), pictures: join(folder, 'train', 'pictures') };
      for (const path of Object.values(folders)) await mkdir(path, { recursive: true });
      const { samples } = await cachedSamples(
        config,
        inputs as unknown as TrainInputs,
        hooks as unknown as TrainHooks,
        folders,
      );
      return samples[0]!.embedding;
    });
  try {
    for (const embedding of [ofView, ofSample]) {
      const first = await embedding('rgb');
      assert.deepEqual(await embedding('rgb'), first);
      assert.notDeepEqual(await embedding('bgr'), first);
    }
  } finally {
    await photographs.close();
  }
});

test('a run is not worked on when the gate in the card of its FRA model has changed', () =>
  withFolderStore(async (store) => {
    const sha256 = await withRegistry('rgb', async () => (await ensureModels(['my']))[0]!.sourceDigest);
    const fra = join(folder, 'gated');
    await writeUntrainedFraModel(fra, {
      recognizer: { name: 'my', sha256, embedDim: DIM },
      combiner: { depth: 1, mlpDim: 32 },
    });
    const config = parseRunConfig({ ...asked, variants: 1, fra });
    const assets = await assetsOf('rgb', { variants: 1, fra });
    const gate = assets.fra!.card.minSimilarity;
    const { run } = await planRun(config, store, { models: assets.runModels });
    assert.equal(run.minSimilarity, gate);
    const changed = { ...assets, runModels: { ...assets.runModels, minSimilarity: gate + 0.1 } };
    const compute = { device: 'cpu', threads: 1, batchFaces: 1 } as const;
    await assert.rejects(openShardContext(run, store, changed, compute, createReleasers()), {
      code: 'other-models',
      facts: { expected: gate, found: gate + 0.1 },
    });
  }));
