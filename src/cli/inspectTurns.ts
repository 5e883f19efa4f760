/** `posecast inspect turns`: photographs at the poses that a training renders them at. */
import { writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { openTurnSheet } from '../pictures/turnSheet.ts';
import { openPhotographs } from '../shared/corpus/photographs.ts';
import type { FaceRecord } from '../shared/face.ts';
import { collectSamples } from '../training/collectSamples.ts';
import { addTurned, TURNED_COLUMNS } from '../training/turnedSheets.ts';
import { resolvePipelineModels } from '../worker/models/pipelineModels.ts';
import { shownCommandLine } from './commandLine.ts';
import { count } from './format.ts';
import { entriesOfOut, makeOut } from './outFolder.ts';
import { photoBytes } from './photoFile.ts';
import { stoppable } from './stoppable.ts';

export interface TurnsFlags {
  readonly out: string;
  readonly detector: string;
  readonly recognizer: string;
}

/** Writes OUT/turns.png, a row a photograph; exit code 1 when one of them was not turned. */
export async function inspectTurns(photos: readonly string[], flags: TurnsFlags): Promise<void> {
  await entriesOfOut(flags.out);
  const faces = await Promise.all(photos.map(faceOf));
  const { models } = await resolvePipelineModels(flags, (line) => process.stderr.write(`${line}\n`));
  const sheet = openTurnSheet();
  const stopping = {
    stopped: 'stopped; nothing was written',
    onStop: (name: string) => process.stderr.write(`\n${name}: stopping after this photograph\n`),
  };
  await stoppable(stopping, async (signal, releasers) => {
    process.stderr.write(`turning ${count(photos.length)} photographs\n`);
    const photographs = await openPhotographs({ imageRoot: '/', corpusFormat: 'folder' }, { signal });
    releasers.push('photographs', () => photographs.close());
    const turned = new Set<string>();
    const { samples } = await collectSamples({
      faces,
      photographs,
      models,
      seed: 0,
      renders: true,
      invented: { count: 0, from: new Set() },
      signal,
      progress: () => {},
      turned: async (person) => {
        turned.add(person.faceId);
        await addTurned(sheet, person);
      },
    });
    for (const { faceId } of faces.filter((face) => !turned.has(face.faceId))) {
      const pose = samples.find((sample) => sample.faceId === faceId)?.pose;
      const reason =
        pose === undefined
          ? `no usable face (${shownCommandLine(['inspect', 'face', faceId])})`
          : `not frontal enough: yaw ${pose.yaw.toFixed(0)}°, pitch ${pose.pitch.toFixed(0)}°`;
      process.stdout.write(`${faceId}: not turned: ${reason}\n`);
      process.exitCode = 1;
    }
  });
  if (sheet.rows === 0) return;
  await makeOut(flags.out);
  const path = join(flags.out, 'turns.png');
  await writeFile(path, await sheet.draw(TURNED_COLUMNS));
  process.stdout.write(`${path}\n`);
}

async function faceOf(photo: string): Promise<FaceRecord> {
  const bytes = await photoBytes(photo);
  return { faceId: photo, subjectId: photo, uri: relative('/', resolve(photo)), bytes };
}
