/** Whom the run knows already: of somebody with rows at other places, classes and variants go on from there. */
import type { SubjectId } from '../../shared/face.ts';
import type { ShardSpec } from '../../shared/shard.ts';
import type { ShardContext } from '../shardContext.ts';
import type { EarlierSubject } from '../stages/augment.ts';
import type { Stopwatch } from '../stopwatch.ts';
import type { EarlierFaces, EarlierRead } from './earlierReader.ts';

/** Who the people of a shard are to the run. */
export interface KnownPeople {
  /** class_index of the shard's n-th person. */
  classIndexOf(n: number): number;
  earlierOf(subjectId: string): EarlierSubject | undefined;
}

const NOBODY: EarlierFaces = { sum: undefined, real: [], variants: [] };

/**
 * Reads who of a shard's people has rows at other places, and what is known of them: those of earlier generations, and,
 * when the shard is done again, of later ones.
 *
 * Append and retry see to it that shards with the same people are not done at the same time: of two that cannot see
 * each other, both would make all variants. Where they are all the same (a version did not see to it), the one whose
 * place comes first makes them, as if it were alone, and the others none. None waits, so that none can wait for ever.
 */
export async function readKnownPeople(
  spec: ShardSpec,
  { run, plan, earlier }: Pick<ShardContext, 'run' | 'plan' | 'earlier'>,
  signal: AbortSignal,
  stopwatch: Stopwatch,
): Promise<KnownPeople> {
  const appended = await plan.appended(spec);
  const before = new Map<SubjectId, readonly number[]>();
  for (const person of appended?.subjects ?? []) {
    if (person.earlier.length > 0) before.set(person.subjectId, person.earlier);
  }
  const places = new Map(before);
  for (const [subjectId, later] of await plan.laterPlaces(spec, signal)) {
    places.set(subjectId, [...(places.get(subjectId) ?? []), ...later]);
  }
  let found: EarlierRead = { faces: new Map(), uncommitted: new Set() };
  if (places.size > 0) found = await stopwatch.time('earlier', () => earlier.read(places, signal));
  return {
    classIndexOf: (n) =>
      appended === undefined ? spec.firstClassIndex + n : appended.subjects[n]!.classIndex,
    earlierOf(subjectId) {
      if (!places.has(subjectId)) return undefined;
      const { sum, real, variants } = found.faces.get(subjectId) ?? NOBODY;
      return {
        sum,
        real,
        variants,
        variantsElsewhere: before.get(subjectId)?.some((place) => found.uncommitted.has(place)) ?? false,
        // By the generation of the listing, not of the retry: no listing gives a number that another could give.
        firstVariant: (appended?.generation ?? 0) * run.config.variants,
      };
    },
  };
}
