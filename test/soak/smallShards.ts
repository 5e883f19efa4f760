/** A corpus of as many people of one aligned crop as wanted, and models that take no time for it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { pullModels } from '../../src/models/pull.ts';
import { loadRegistry } from '../../src/models/registry.ts';
import { samplePhotographs } from '../helpers/photographs.ts';
import { withEnvironment } from '../helpers/services/s3.ts';
import { writeUntrainedFraModel } from '../helpers/untrainedFraModel.ts';
import { tinyDetector, tinyLandmarks, tinyPose, tinyRecognizer } from '../hostile/tinyModels.ts';

const DIM = 16;
/** Every so manieth photograph is broken: rejects belong to a night, too. */
const BROKEN_EVERY = 50;

export interface SmallShards {
  /** A .csv list. */
  readonly corpus: string;
  /** For every command: the tiny models, and a cache of their own. */
  readonly env: NodeJS.ProcessEnv;
  /** Options of the run: a person a shard. */
  readonly options: readonly string[];
}

export async function makeSmallShards(folder: string, people: number): Promise<SmallShards> {
  const env = {
    POSECAST_CACHE: join(folder, 'cache'),
    POSECAST_REGISTRY: join(folder, 'registry.json'),
  };
  const sha256 = await withEnvironment(env, () => pullTiny(folder));
  const fra = join(folder, 'fra');
  const recognizer = { name: 'tiny', sha256, embedDim: DIM };
  await writeUntrainedFraModel(fra, { recognizer, combiner: { depth: 1, mlpDim: 32 } });

  const photographs = samplePhotographs(4);
  await mkdir(join(folder, 'crops'));
  for (const [i, { bytes }] of photographs.entries()) {
    await sharp(bytes)
      .resize(112, 112)
      .png()
      .toFile(join(folder, 'crops', `${i}.png`));
  }
  await writeFile(join(folder, 'crops', 'broken.png'), 'not an image');
  const lines = Array.from({ length: people }, (_, i) => {
    const name = i % BROKEN_EVERY === 0 ? 'broken' : i % photographs.length;
    return `face-${i},person-${i},${name}.png`;
  });
  const corpus = join(folder, 'faces.csv');
  await writeFile(corpus, `face_id,subject_id,path\n${lines.join('\n')}\n`);
  const options = [
    ...['--image-root', join(folder, 'crops'), '--aligned', '--shard-faces', '1'],
    ...['--recognizer', 'tiny', '--fra', fra, '--variants', '2'],
  ];
  return { corpus, env, options };
}

/** Puts networks in the place of the default ones; what a card names the recogniser by. */
async function pullTiny(folder: string): Promise<string> {
  const builtIn = [...(await loadRegistry('')).entries.values()];
  const tensor = (name: string, ...shape: (string | number)[]) => ({ name, shape: ['N', ...shape] });
  const entry = async (
    kind: string,
    family: string,
    bytes: Uint8Array,
    inputs: object[],
    outputs: object[],
  ) => {
    const path = join(folder, `${family}.onnx`);
    await writeFile(path, bytes);
    return {
      kind,
      family,
      summary: 'tiny, for tests',
      files: { model: { source: `file:${path}`, sha256: null, format: 'onnx', inputs, outputs } },
      preprocess: builtIn.find((known) => known.family === family)!.preprocess,
      ...(kind === 'recognizer' && { embedDim: DIM }),
      licence: { weights: 'none', trainingData: 'none' },
      homepage: 'none',
    };
  };
  const models = {
    tiny: await entry(
      'recognizer',
      'embedding',
      tinyRecognizer(DIM),
      [tensor('input', 3, 112, 112)],
      [tensor('embedding', DIM)],
    ),
    'fr-landmark': await entry(
      'landmarks',
      'fr-landmark',
      tinyLandmarks(),
      [tensor('input', 1, 64, 64)],
      [tensor('output', 136)],
    ),
    'fr-pose': await entry(
      'pose',
      'fr-pose',
      tinyPose(),
      [tensor('input', 3, 224, 224)],
      [tensor('output', 66), tensor('617', 66), tensor('618', 66)],
    ),
    'fr-detect': await entry(
      'detector',
      'fr-detect',
      tinyDetector(),
      [tensor('input', 3, 240, 320)],
      [tensor('scores', 4420, 2), tensor('boxes', 4420, 4)],
    ),
  };
  await writeFile(join(folder, 'registry.json'), JSON.stringify({ registryVersion: 1, models }));
  const registry = await loadRegistry();
  const pulled = await pullModels(Object.keys(models).map((name) => registry.entries.get(name)!));
  return pulled[0]!.sourceDigest;
}
