/**
 * The whole of `posecast run` (photographs on disk → Redis → committed Parquet, every core busy) against the sum of its
 * stages, each alone at its best batch, spread perfectly over the cores; and the same for corpora of aligned crops.
 * Every stage is there: the table holds posture codes.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { CROP_SIZE } from '../../src/shared/face.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openFacePipeline } from '../../src/worker/facePipeline.ts';
import { resolvePipelineModels } from '../../src/worker/models/pipelineModels.ts';
import { listPhotographs } from '../photographs.ts';
import { isQuick, printReport, type Round, ratioRow, say } from './report.ts';
import { withFolder } from './shared/folders.ts';
import { startPosecast } from './shared/posecastProcess.ts';

const ROUNDS = isQuick() ? 1 : 3;
/** Enough that start and end of a run, a second or two, weigh little: a minute and a half. */
const PHOTOGRAPHS = isQuick() ? 24 : 16_200;
const CROPS = isQuick() ? 24 : 21_600;
const SHARED = join(packageRoot, '..', 'shared', 'data', 'london');

const reportSchema = z.object({ facesPerSecond: z.number(), limitFacesPerSecond: z.number() });

async function bench(corpus: string, faces: number, options: readonly string[]): Promise<Round> {
  const { done } = startPosecast([
    'bench',
    corpus,
    '--json',
    '--with-posture-code',
    ...['--faces', String(faces)],
    ...options,
  ]);
  const { facesPerSecond, limitFacesPerSecond } = reportSchema.parse(JSON.parse(await done));
  return { value: facesPerSecond, limit: limitFacesPerSecond };
}

/**
 * The product's own crops of the photographs, in folders of the same names; JPEGs, as MS1MV3 and Glint360K hold them.
 */
async function writeCrops(photographs: string, folder: string): Promise<void> {
  const { models } = await resolvePipelineModels({ detector: 'fr-detect', recognizer: 'fr-feature' });
  const pipeline = await openFacePipeline({ models, aligned: false, device: 'cpu', intraOpThreads: 1 });
  for (const { subjectId, path } of await listPhotographs(photographs)) {
    const [outcome] = await pipeline.process([{ faceId: path, bytes: await readFile(path) }]);
    if (outcome?.status !== 'ok') continue;
    const file = join(folder, subjectId, path.split('/').at(-1)!);
    await mkdir(dirname(file), { recursive: true });
    const raw = { width: CROP_SIZE, height: CROP_SIZE, channels: 3 } as const;
    await sharp(outcome.face.crop, { raw }).jpeg({ quality: 95 }).toFile(file);
  }
  await pipeline.close();
}

const photographs = existsSync(SHARED) && !isQuick() ? SHARED : join(packageRoot, 'samples', 'london');
await withFolder('disk', async (folder) => {
  await writeCrops(photographs, folder);
  const whole: Round[] = [];
  const aligned: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    say(`round ${round + 1} of ${ROUNDS}`);
    whole.push(await bench(photographs, PHOTOGRAPHS, []));
    aligned.push(await bench(folder, CROPS, ['--aligned']));
  }
  const facts = { unit: 'faces/s', limitOf: 'sum of the stages alone', target: 0.9, atLeast: true };
  printReport({
    bench: 'pipeline',
    rows: [
      ratioRow({ ...facts, what: 'photographs → committed Parquet' }, whole),
      ratioRow({ ...facts, what: 'aligned crops → committed Parquet' }, aligned),
    ],
    skipped: [],
  });
});
