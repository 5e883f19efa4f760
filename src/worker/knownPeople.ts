/** Whom the run knows already: of somebody with rows at other places, classes and variants go on from there. */
import type { SubjectId } from '../shared/face.ts';
import type { ShardSpec } from '../shared/shard.ts';
import type { EarlierFaces } from './earlierReader.ts';
import type { ShardContext } from './shardContext.ts';
import type { EarlierSubject } from './stages/augment.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Who the people of a shard are to the run. */
export interface KnownPeople {
  /** class_index of the shard's n-th person. */
  classIndexOf(n: number): number;
  earlierOf(subjectId: string): EarlierSubject | undefined;
}

/**
 * Reads who of a shard's people has rows at other places, and what is known of them: those of earlier generations, and,
 * when the shard is done again, of later ones.
 */
export async function readKnownPeople(
  spec: ShardSpec,
  { run, plan, earlier }: Pick<ShardContext, 'run' | 'plan' | 'earlier'>,
  signal: AbortSignal,
  stopwatch: Stopwatch,
): Promise<KnownPeople> {
  const appended = await plan.appended(spec);
  const places = new Map<SubjectId, readonly number[]>();
  for (const { subjectId, earlier: before } of appended?.subjects ?? []) {
    if (before.length > 0) places.set(subjectId, before);
  }
  for (const [subjectId, later] of await plan.laterPlaces(spec, signal)) {
    places.set(subjectId, [...(places.get(subjectId) ?? []), ...later]);
  }
  let found: ReadonlyMap<SubjectId, EarlierFaces> = new Map();
  if (places.size > 0) found = await stopwatch.time('earlier', () => earlier.read(places, signal));
  return {
    classIndexOf: (n) =>
      appended === undefined ? spec.firstClassIndex + n : appended.subjects[n]!.classIndex,
    earlierOf(subjectId) {
      if (!places.has(subjectId)) return undefined;
      const { sum, real, variants } = found.get(subjectId) ?? { sum: undefined, real: [], variants: [] };
      // By the generation of the listing, not of the retry: no listing gives a number that another could give.
      return { sum, real, variants, firstVariant: (appended?.generation ?? 0) * run.config.variants };
    },
  };
}
