/** `posecast inspect turns`: photographs at the poses that a training renders them at. */
import { writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { MOST_ROWS, openTurnSheet } from '../pictures/turnSheet.ts';
import { openPhotographs } from '../shared/corpus/photographs.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord, Rejection } from '../shared/face.ts';
import { count } from '../shared/text/counted.ts';
import { collectSamples } from '../training/collectSamples.ts';
import type { TrainingSample } from '../training/samples.ts';
import { addTurned, TURNED_COLUMNS } from '../training/turnedSheets.ts';
import { resolvePipelineModels } from '../worker/models/pipelineModels.ts';
import { entriesOfOut, makeOut } from './outFolder.ts';
import { rejectionText } from './output/rejectionText.ts';
import { photoSize } from './photoFile.ts';
import { stoppable } from './stoppable.ts';

export interface TurnsFlags {
  readonly out: string;
  readonly detector: string;
  readonly recognizer: string;
}

/**
 * Writes OUT/turns.png, a row a photograph; exit code 1 when one of them was not turned.
 * @throws ConfigError for a photograph that cannot be read, and for more of them than a sheet has rows.
 */
export async function inspectTurns(photos: readonly string[], flags: TurnsFlags): Promise<void> {
  if (photos.length > MOST_ROWS) {
    const expected = `expected at most ${MOST_ROWS} photographs, the rows of a sheet`;
    throw new ConfigError('too-many-photographs', `${expected}, found ${photos.length}`);
  }
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
    const rejections = new Map<string, Rejection>();
    const { samples } = await collectSamples({
      faces,
      photographs,
      models,
      seed: 0,
      renders: true,
      invented: { count: 0, from: new Set() },
      signal,
      progress: () => {},
      rejected: ({ faceId }, rejection) => void rejections.set(faceId, rejection),
      turned: async (person) => {
        turned.add(person.faceId);
        await addTurned(sheet, person);
      },
    });
    for (const { faceId } of faces.filter((face) => !turned.has(face.faceId))) {
      const rejection = rejections.get(faceId);
      const reason = rejection === undefined ? poseText(faceId, samples) : rejectionText(rejection);
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

function poseText(faceId: string, samples: readonly TrainingSample[]): string {
  const { yaw, pitch } = samples.find((sample) => sample.faceId === faceId)!.pose;
  return `not frontal enough: yaw ${yaw.toFixed(0)}°, pitch ${pitch.toFixed(0)}°`;
}

async function faceOf(photo: string): Promise<FaceRecord> {
  const bytes = await photoSize(photo);
  return { faceId: photo, subjectId: photo, uri: relative('/', resolve(photo)), bytes };
}
