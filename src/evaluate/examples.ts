/** Photographs for the report: where the judged row is right and `none` wrong, the reverse, and where both fail. */
import sharp from 'sharp';
import { isRejection } from '../shared/face.ts';
import { decodeImage } from '../worker/stages/decode.ts';
import type { PhotographFile } from './corpus/embedPeople.ts';
import { type Gallery, openGalleries } from './gallery.ts';
import type { RowPlan } from './measureRow.ts';
import type { Method } from './method.ts';
import type { Photograph } from './people.ts';
import type { Example } from './result.ts';
import { nearestMeans } from './tasks/nearestMean.ts';
import { targetPoses } from './trials.ts';

/** Examples of each group. */
const PER_GROUP = 4;
/** Side of a picture in the report, pixels. */
const SIDE = 112;

type Files = ReadonlyMap<string, PhotographFile>;

/** A probe worth showing. */
export interface ExampleProbe {
  readonly group: string;
  readonly subjectId: string;
  readonly mistakenFor: string;
  readonly enrolment: Photograph;
  readonly probe: Photograph;
  /** A photograph that enrols the other person. */
  readonly other: Photograph;
}

/** Of the first seed, judged by the nearest class mean. */
export async function exampleProbes(
  { trials, variants }: Pick<RowPlan, 'trials' | 'variants'>,
  none: Method,
  judged: Method,
): Promise<ExampleProbe[]> {
  const helped = `right with ${judged.label}, wrong without`;
  const hurt = `wrong with ${judged.label}, right without`;
  const groups = new Map<string, ExampleProbe[]>([helped, hurt, 'wrong both ways'].map((name) => [name, []]));
  for (const trial of trials.filter(({ seed }) => seed === 0)) {
    const targets = targetPoses(trial, variants);
    const [without] = (await openGalleries(none, trial, targets)) as [Gallery];
    const [withVariants] = (await openGalleries(judged, trial, targets)) as [Gallery];
    const [before, after] = [nearestMeans(without), nearestMeans(withVariants)];
    for (const [i, { person, photograph }] of without.probes.entries()) {
      const [rightBefore, rightAfter] = [before[i] === person.index, after[i] === person.index];
      if (rightBefore && rightAfter) continue;
      const group = rightAfter ? helped : rightBefore ? hurt : 'wrong both ways';
      const members = groups.get(group)!;
      if (members.length >= PER_GROUP) continue;
      const other = trial.classes[rightAfter ? before[i]! : after[i]!]!;
      members.push({
        ...{ group, subjectId: person.subjectId, mistakenFor: other.subjectId },
        ...{ enrolment: person.enrol[0]!, probe: photograph, other: other.enrol[0]! },
      });
    }
  }
  return [...groups.values()].flat();
}

export function drawExamples(probes: readonly ExampleProbe[], files: Files): Promise<Example[]> {
  return Promise.all(
    probes.map(async ({ group, subjectId, mistakenFor, enrolment, probe, other }): Promise<Example> => {
      const picture = async (role: Example['pictures'][number]['role'], photograph: Photograph) => {
        return { role, yaw: photograph.yaw, jpeg: await thumbnail(photograph, files) };
      };
      return {
        group,
        subjectId,
        caption: `${subjectId} at ${probe.yaw.toFixed(0)}°, mistaken for ${mistakenFor}`,
        pictures: [
          await picture('enrolment', enrolment),
          await picture('probe', probe),
          await picture('mistaken for', other),
        ],
      };
    }),
  );
}

async function thumbnail({ faceId }: Photograph, files: Files): Promise<string> {
  const { photographs, face } = files.get(faceId)!;
  const read = await photographs.read(face);
  const picture = read.status === 'ok' ? await decodeImage(read.bytes) : read.rejection;
  if (isRejection(picture)) throw new Error(`photograph vanished during the evaluation: ${face.faceId}`);
  const { width, height, data } = picture;
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(SIDE, SIDE, { fit: 'inside' })
    .jpeg({ quality: 80 })
    .toBuffer();
  return jpeg.toString('base64');
}
