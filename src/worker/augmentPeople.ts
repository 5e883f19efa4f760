/**
 * The people of a shard, their faces together → variants, and the rows of the tables, while further faces are computed.
 */

import { severalAtOnce } from '../shared/async/severalAtOnce.ts';
import { ALL_BINS } from '../shared/poseBins.ts';
import type { ShardSpec } from '../shared/shard.ts';
import { type KnownPeople, readKnownPeople } from './earlier/knownPeople.ts';
import type { InTurn, ShardRunOptions } from './shardContext.ts';
import {
  type AugmentedSubject,
  augment,
  type Combine,
  type SubjectFaces,
  subjectCentroid,
} from './stages/augment.ts';
import type { Stopwatch } from './stopwatch.ts';
import { type FaceResult, type ShardTables, shardTables } from './tables/shardTables.ts';
import { addThreadTimes } from './threads/threadTimes.ts';

/** Subjects augmented with one call of the combiner. */
const SUBJECTS_AT_ONCE = 64;

/**
 * The tables of a shard: the faces of each person, and the variants made of them.
 *
 * @param batches the results of all its faces, in listing order.
 */
export async function augmentPeople(
  batches: AsyncIterable<readonly FaceResult[]>,
  spec: ShardSpec,
  context: InTurn,
  { signal, onProgress, observer }: ShardRunOptions,
  stopwatch: Stopwatch,
): Promise<ShardTables> {
  const { run, models, augmentation } = context;
  const known = await readKnownPeople(spec, context, signal, stopwatch);
  const combine: Combine = (pairs) =>
    models.combine(pairs, (times) => addThreadTimes(times, stopwatch, observer));
  const tables = shardTables({
    dim: run.embeddingDim,
    config: run.config,
    classIndexOf: known.classIndexOf,
    expectedRows: spec.rowEnd - spec.rowStart + spec.subjects * run.config.variants,
    reachableBins: augmentation?.targets.bins.reachable ?? ALL_BINS,
  });
  for await (const people of severalAtOnce(bySubject(batches), SUBJECTS_AT_ONCE)) {
    signal.throwIfAborted();
    const usable = people.map((results) => usableFaces(results, known.earlierOf));
    const augmented: AugmentedSubject[] =
      augmentation === undefined
        ? usable.map(withoutVariants)
        : await stopwatch.time('augment', () =>
            augment(usable, augmentation.targets, augmentation.options, combine),
          );
    for (const [i, subject] of augmented.entries()) await tables.add(people[i]!, subject);
    const variants = augmented.reduce((sum, subject) => sum + subject.variants.length, 0);
    onProgress({ faces: 0, rejects: 0, variants });
  }
  return tables;
}

/** The results of one subject each, as soon as the next one begins: the listing is sorted by subject. */
async function* bySubject(batches: AsyncIterable<readonly FaceResult[]>): AsyncGenerator<FaceResult[]> {
  let subject: FaceResult[] = [];
  for await (const batch of batches) {
    for (const result of batch) {
      if (subject.length > 0 && subject[0]!.record.subjectId !== result.record.subjectId) {
        yield subject;
        subject = [];
      }
      subject.push(result);
    }
  }
  if (subject.length > 0) yield subject;
}

function usableFaces(results: readonly FaceResult[], earlierOf: KnownPeople['earlierOf']): SubjectFaces {
  const { subjectId } = results[0]!.record;
  const earlier = earlierOf(subjectId);
  return {
    subjectId,
    ...(earlier && { earlier }),
    faces: results.flatMap(({ record, outcome }) =>
      outcome.status === 'ok' ? [{ faceId: record.faceId, face: outcome.face }] : [],
    ),
  };
}

function withoutVariants(subject: SubjectFaces): AugmentedSubject {
  return { ...subject, centroid: subjectCentroid(subject), variants: [], variantsRejected: 0 };
}
