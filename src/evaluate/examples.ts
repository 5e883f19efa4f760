/** Photographs for the report: where the judged row is right and `none` wrong, the reverse, and where both fail. */
import sharp from 'sharp';
import { readImage } from '../worker/corpusReader.ts';
import { decodeImage } from '../worker/stages/decode.ts';
import type { MeasuredRows } from './evaluateRows.ts';
import { type Gallery, openGalleries } from './gallery.ts';
import type { Photograph } from './people.ts';
import type { Example } from './result.ts';
import { nearestMeans } from './tasks/nearestMean.ts';
import { targetPoses } from './trials.ts';

/** Examples of each group. */
const PER_GROUP = 4;
/** Side of a picture in the report, pixels. */
const SIDE = 112;

type Files = ReadonlyMap<string, { readonly imageRoot: string; readonly uri: string }>;

/** Of the first seed; the judged row is the best generator, or the best rival where there is none. */
export async function pickExamples(
  { rows, plan }: MeasuredRows,
  files: Files,
  signal: AbortSignal,
): Promise<Example[]> {
  const candidates = rows.filter(({ row }) => row.kind === 'generator');
  const judged = (candidates.length > 0 ? candidates : rows.filter(({ row }) => row.kind === 'rival')).reduce(
    (a, b) => (b.row.metrics.ncm!.value > a.row.metrics.ncm!.value ? b : a),
  );
  const groups: Record<string, Example[]> = {
    [`right with ${judged.row.label}, wrong without`]: [],
    [`wrong with ${judged.row.label}, right without`]: [],
    'wrong both ways': [],
  };
  const [helped, hurt, lost] = Object.keys(groups) as [string, string, string];
  for (const trial of plan.trials.filter(({ seed }) => seed === 0)) {
    const targets = targetPoses(trial, plan.variants);
    const [without] = (await openGalleries(rows[0]!.method, trial, targets)) as [Gallery];
    const [withVariants] = (await openGalleries(judged.method, trial, targets)) as [Gallery];
    const [before, after] = [nearestMeans(without), nearestMeans(withVariants)];
    for (const [i, { person, photograph }] of without.probes.entries()) {
      const [rightBefore, rightAfter] = [before[i] === person.index, after[i] === person.index];
      const name = rightAfter && !rightBefore ? helped : rightBefore && !rightAfter ? hurt : lost;
      if ((rightBefore && rightAfter) || groups[name]!.length >= PER_GROUP) continue;
      const mistaken = trial.classes[rightAfter ? before[i]! : after[i]!]!;
      const pictures = [
        { role: 'enrolment', photograph: person.enrol[0]! },
        { role: 'probe', photograph },
        { role: 'mistaken for', photograph: mistaken.enrol[0]! },
      ] as const;
      groups[name]!.push({
        group: name,
        subjectId: person.subjectId,
        caption: `${person.subjectId} at ${photograph.yaw.toFixed(0)}°, mistaken for ${mistaken.subjectId}`,
        pictures: await Promise.all(
          pictures.map(async (picture) => ({
            role: picture.role,
            yaw: picture.photograph.yaw,
            jpeg: await thumbnail(picture.photograph, files, signal),
          })),
        ),
      });
    }
  }
  return Object.values(groups).flat();
}

async function thumbnail({ faceId }: Photograph, files: Files, signal: AbortSignal): Promise<string> {
  const { imageRoot, uri } = files.get(faceId)!;
  const read = await readImage(imageRoot, uri, signal);
  const picture = read.status === 'ok' ? await decodeImage(read.bytes) : read.rejection;
  if ('code' in picture) throw new Error(`photograph vanished during the evaluation: ${uri}`);
  const { width, height, data } = picture;
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(SIDE, SIDE, { fit: 'inside' })
    .jpeg({ quality: 80 })
    .toBuffer();
  return jpeg.toString('base64');
}
