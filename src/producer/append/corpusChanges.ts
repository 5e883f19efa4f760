/** What an append refuses, counts and tells of the photographs that it does not take up. */
import { ConfigError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import type { LabelColumn } from '../../shared/labels/labelColumns.ts';
import { compareUtf8 } from '../../shared/listing/listingOrder.ts';
import { openExternalSorter } from '../readers/externalSort.ts';
import type { CorpusDifferences } from './compareCorpus.ts';

/** Named in a message at most. */
const NAMED = 5;

export interface CorpusChanges extends CorpusDifferences {
  /** Photographs that the corpus has no longer. */
  readonly gone: number;
  addNew(face: FaceRecord): Promise<void>;
  /** Lines for a person: of known photographs, what is not as it was listed. */
  notes(): string[];
  /** @throws ConfigError when photographs were changed, or new ones have the face_id of somebody else's. */
  refuse(): Promise<void>;
  close(): Promise<void>;
}

export function createCorpusChanges(labelColumns: readonly LabelColumn[]): CorpusChanges {
  const isUtf8Order = (a: FaceOwner, b: FaceOwner) => compareUtf8(a[0], b[0]);
  const goneIds = openExternalSorter<FaceOwner>(isUtf8Order);
  const newIds = openExternalSorter<FaceOwner>(isUtf8Order);
  const [changed, moved, labelled] = [createExamples(), createExamples(), createExamples()];
  let gone = 0;
  return {
    get gone() {
      return gone;
    },
    notes() {
      const lines: string[] = [];
      if (moved.count > 0) {
        lines.push(
          `${moved.count} photographs are in other rows of their tables than when they were listed ` +
            `[${moved.text}]: what the run has made of them stays; a shard that is done again rejects them ` +
            '(read/another-row), and only a new run reads them from their new rows',
        );
      }
      if (labelled.count > 0) {
        lines.push(
          `${labelled.count} photographs have other labels now [${labelled.text}]: their rows keep the old ones; ` +
            'only a new run has the new',
        );
      }
      return lines;
    },
    async addNew({ faceId, subjectId }) {
      await newIds.add([faceId, subjectId]);
    },
    async onGone({ faceId, subjectId }) {
      gone++;
      await goneIds.add([faceId, subjectId]);
    },
    onChanged(before, now) {
      changed.add(() => `${now.faceId} (${fileChange(before, now)})`);
    },
    onMoved(before, now) {
      moved.add(() => `${now.faceId}: row ${before.row} → ${now.row} of ${now.uri}`);
    },
    onLabelled(before, now) {
      labelled.add(() => {
        const at = labelColumns.findIndex((_, i) => before.labels?.[i] !== now.labels?.[i]);
        const [old, label] = [before, now].map(({ labels }) => JSON.stringify(labels?.[at] ?? null));
        return `${now.faceId}: ${labelColumns[at]?.name} ${old} → ${label}`;
      });
    },
    async refuse() {
      if (changed.count > 0) {
        throw new ConfigError(
          'photographs-changed',
          `--append: expected the photographs of the run to be unchanged, found ${changed.count} with another file or ` +
            'size; give new pictures names of their own, or start a new run',
          { changed: changed.text },
        );
      }
      if (gone === 0) return;
      const relabelled = await relabelledFaces(goneIds.sorted(), newIds.sorted());
      if (relabelled.length === 0) return;
      throw new ConfigError(
        'photographs-relabelled',
        '--append: expected every face_id to stay with its person, found some with another person; ' +
          'a face_id is in the output only once',
        { relabelled: relabelled.join(', ') },
      );
    },
    async close() {
      await goneIds.close();
      await newIds.close();
    },
  };
}

/** How many there are, and the first few of them for a message. */
interface Examples {
  readonly count: number;
  readonly text: string;
  add(describe: () => string): void;
}

function createExamples(): Examples {
  const kept: string[] = [];
  let count = 0;
  return {
    get count() {
      return count;
    },
    get text() {
      return kept.join(', ');
    },
    add(describe) {
      if (count++ < NAMED) kept.push(describe());
    },
  };
}

function fileChange(before: FaceRecord, now: FaceRecord): string {
  if (before.uri !== now.uri) return `${before.uri} → ${now.uri}`;
  if (before.bytes !== now.bytes) return `${before.bytes} → ${now.bytes} bytes`;
  return `byte ${before.offset ?? 0} → ${now.offset ?? 0} of ${now.uri}`;
}

type FaceOwner = readonly [faceId: string, subjectId: string];

/** The first ids that are in both sorted streams. */
async function relabelledFaces(
  gone: AsyncIterable<FaceOwner>,
  added: AsyncIterable<FaceOwner>,
): Promise<string[]> {
  const found: string[] = [];
  const others = gone[Symbol.asyncIterator]();
  let other = await others.next();
  for await (const [faceId, subjectId] of added) {
    while (!other.done && compareUtf8(other.value[0], faceId) < 0) other = await others.next();
    if (other.done) break;
    if (other.value[0] === faceId) found.push(`${faceId} (${other.value[1]} → ${subjectId})`);
    if (found.length >= NAMED) break;
  }
  return found;
}
