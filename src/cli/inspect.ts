/** `posecast inspect`: pictures of what posecast sees and makes. */
import { writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Argument, Command } from 'commander';
import { recordedFraModel } from '../fra/fraModel.ts';
import { drawCoverage } from '../pictures/coveragePicture.ts';
import { drawFace } from '../pictures/facePicture.ts';
import { MOST_ROWS } from '../pictures/turnSheet.ts';
import { createReleasers } from '../shared/async/releasers.ts';
import { ConfigError, IntegrityError } from '../shared/errors.ts';
import { CROP_SIZE, POSTURE_DIM } from '../shared/face.ts';
import { drawLandmarkImage, intersectionOverUnion } from '../shared/landmarkImage.ts';
import { readManifest } from '../shared/run/manifest.ts';
import { readRunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { openStore } from '../shared/store/openStore.ts';
import { columnOf } from '../shared/table/columnOf.ts';
import { readTable } from '../shared/table/readTable.ts';
import { openFacePipeline } from '../worker/facePipeline.ts';
import { resolvePipelineModels } from '../worker/models/pipelineModels.ts';
import { openSession, outputOf } from '../worker/models/session.ts';
import { openFittingFra } from '../worker/runAssets.ts';
import { inspectTurns } from './inspectTurns.ts';
import { detectorOption, fraOption, recognizerOption } from './options/modelOptions.ts';
import { collect, someText } from './options/optionValues.ts';
import { addStoreOptions, type StoreFlags, s3Options } from './options/storeOptions.ts';
import { entriesOfOut, makeOut } from './outFolder.ts';
import { pictureNames } from './output/pictureNames.ts';
import { rejectionText } from './output/rejectionText.ts';
import { photoSize, readPhoto } from './photoFile.ts';

export function inspectCommand(): Command {
  const command = new Command('inspect').description('Draws what posecast sees and makes, as PNG files.');
  command
    .command('face')
    .description('the aligned crop with its 68 landmarks, the landmark image, and its reconstruction')
    .argument('<photo...>', 'photographs')
    .option('--out <folder>', 'where the pictures go', someText, 'out/inspect')
    .addOption(detectorOption())
    .addOption(recognizerOption())
    .addOption(fraOption())
    .option('--aligned', 'the photographs are aligned 112×112 crops', false)
    .addHelpText('after', '\nExample:\n  posecast inspect face samples/london/001/smile.jpg\n')
    .action(inspectFaces);
  command
    .command('turns')
    .description(
      'photographs drawn at other poses, as `posecast train` does it; what is not understood is marked',
    )
    .argument('<photo...>', `photographs, at most ${MOST_ROWS}`)
    .option('--out <folder>', 'where the picture goes', someText, 'out/inspect')
    .addOption(detectorOption())
    .addOption(recognizerOption())
    .addHelpText('after', '\nExample:\n  posecast inspect turns samples/london/001/neutral.jpg\n')
    .action(inspectTurns);
  addStoreOptions(command.command('subject'))
    .description('the pose coverage of people of a finished run, before and after')
    .argument('<OUT>', 'a finished run: a folder or s3://bucket/prefix')
    .addArgument(
      new Argument('[subject...]', 'subject ids').argParser(collect).default([], 'the first three'),
    )
    .option('--out <folder>', 'where the pictures go', someText, 'out/inspect')
    .addHelpText('after', '\nExample:\n  posecast inspect subject out/sample 001\n')
    .action(inspectSubjects);
  return command;
}

interface FaceFlags {
  readonly out: string;
  readonly detector: string;
  readonly recognizer: string;
  readonly fra?: string;
  readonly aligned: boolean;
}

async function inspectFaces(photos: readonly string[], flags: FaceFlags): Promise<void> {
  await entriesOfOut(flags.out);
  await Promise.all(photos.map(photoSize));
  const releasers = createReleasers();
  try {
    const note = (line: string) => process.stderr.write(`${line}\n`);
    const { models, recognizer } = await resolvePipelineModels(flags, note);
    const fra = await openFittingFra(recordedFraModel(flags.fra, flags.recognizer), recognizer);
    const session = { device: 'cpu', intraOpThreads: 1 } as const;
    const pipeline = await openFacePipeline({
      models,
      aligned: flags.aligned,
      encoderPath: fra.paths.encoder,
      ...session,
    });
    releasers.push('face pipeline', () => pipeline.close());
    const decoder = await openSession(fra.paths.decoder, session);
    releasers.push('decoder', () => decoder.close());
    await makeOut(flags.out);
    const nameOf = pictureNames();
    for (const photo of photos) {
      const [outcome] = await pipeline.process([{ faceId: photo, bytes: await readPhoto(photo) }]);
      if (outcome?.status !== 'ok') {
        process.stdout.write(`${photo}: ${rejectionText(outcome!.rejection)}\n`);
        process.exitCode = 1;
        continue;
      }
      const { face } = outcome;
      const posture = face.postureCode ?? new Float32Array(POSTURE_DIM);
      const outputs = await decoder.run(posture, [1, POSTURE_DIM]);
      const reconstruction = outputOf(decoder, outputs, 'landmark_image', [1, CROP_SIZE, CROP_SIZE]);
      const landmarkImage = drawLandmarkImage(face.landmarks);
      const iou = intersectionOverUnion(landmarkImage, reconstruction);
      await save(
        flags.out,
        nameOf(photoName(photo)),
        await drawFace({ title: photo, face, landmarkImage, reconstruction, iou }),
      );
    }
  } finally {
    await releasers.release();
  }
}

async function inspectSubjects(
  out: string,
  subjects: readonly string[],
  flags: StoreFlags & { readonly out: string },
): Promise<void> {
  await entriesOfOut(flags.out);
  const store = await openStore(out, { access: 'read', s3: s3Options(flags) });
  try {
    const wanted = await subjectPoses(store, subjects);
    await makeOut(flags.out);
    const nameOf = pictureNames();
    for (const [subjectId, { real, variants }] of wanted) {
      const picture = await drawCoverage({ title: `subject ${subjectId}`, real, variants });
      await save(flags.out, nameOf(`coverage-${subjectId}`), picture);
    }
  } finally {
    await store.close();
  }
}

interface SubjectPoses {
  readonly real: { yaw: number; pitch: number }[];
  readonly variants: { yaw: number; pitch: number }[];
}

/** How many subjects are drawn when none is named. */
const FIRST_SUBJECTS = 3;

/** Poses of the named subjects, or of the first ones. */
async function subjectPoses(
  store: ObjectStore,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, SubjectPoses>> {
  const manifest = await readManifest(store);
  if (manifest === undefined) {
    throw new ConfigError('not-finished', 'OUT: expected a finished run, found no manifest.json', {
      out: store.uri,
    });
  }
  const run = await readRunFile(store);
  if (run?.config.withoutPose) {
    throw new ConfigError('no-poses', 'OUT: expected a run with poses, found one made with --without-pose', {
      out: store.uri,
    });
  }
  const found = new Map<string, SubjectPoses>();
  const wanted = new Set(subjects);
  const isWhole = manifest.generations.every(({ kind }) => kind !== 'append');
  for (const { key, kind } of manifest.files) {
    // Without appends a subject lies in one file, so that the search ends with the file that completes the list.
    if (isWhole && found.size >= (wanted.size > 0 ? wanted.size : FIRST_SUBJECTS)) break;
    if (kind !== 'data') continue;
    const bytes = await store.get(key);
    if (bytes === undefined)
      throw new IntegrityError('missing-file', 'file of the manifest is missing', { key });
    for (const batch of readTable(bytes, { key, columns: ['subject_id', 'kind', 'yaw', 'pitch'] }).batches) {
      const subjectIds = columnOf(batch, 'subject_id');
      for (let row = 0; row < batch.numRows; row++) {
        const cell = (name: string): unknown => batch.getChild(name)?.get(row);
        const subjectId = String(subjectIds?.get(row));
        if (wanted.size > 0 ? !wanted.has(subjectId) : !found.has(subjectId) && found.size >= FIRST_SUBJECTS)
          continue;
        const poses = found.get(subjectId) ?? { real: [], variants: [] };
        found.set(subjectId, poses);
        const pose = { yaw: Number(cell('yaw')), pitch: Number(cell('pitch')) };
        (cell('kind') === 'real' ? poses.real : poses.variants).push(pose);
      }
    }
  }
  const missing = subjects.filter((subject) => !found.has(subject));
  if (missing.length === 0 && found.size > 0) return found;
  const whom = missing.length === 0 ? 'anybody' : missing.join(', ');
  throw new ConfigError('unknown-subject', `OUT has no embeddings of ${whom}`, {
    out: store.uri,
  });
}

/** a/b/c.jpg → b-c: the folder is the person's. */
function photoName(path: string): string {
  const parts = path.split('/').slice(-2);
  return `face-${parts.join('-').slice(0, -extname(path).length || undefined)}`;
}

async function save(folder: string, name: string, png: Buffer): Promise<void> {
  const path = join(folder, `${name}.png`);
  await writeFile(path, png);
  process.stdout.write(`${path}\n`);
}
