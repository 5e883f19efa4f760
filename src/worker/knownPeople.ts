/** Whom the run knows already: a generation that adds to earlier ones goes on with their classes and variants. */
import type { ShardSpec } from '../shared/shard.ts';
import type { ShardContext } from './shardContext.ts';
import type { EarlierSubject } from './stages/augment.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Who the people of a shard are to the run. */
export interface KnownPeople {
  /** class_index of the shard's n-th person. */
  classIndexOf(n: number): number;
  earlierOf(subjectId: string): EarlierSubject | undefined;
}

/** Reads, of a generation that adds to an earlier one, who was there before and what is known of them. */
export async function readKnownPeople(
  spec: ShardSpec,
  { run, plan, earlier }: Pick<ShardContext, 'run' | 'plan' | 'earlier'>,
  signal: AbortSignal,
  stopwatch: Stopwatch,
): Promise<KnownPeople> {
  const appended = await plan.appended(spec);
  if (appended === undefined) {
    return { classIndexOf: (n) => spec.firstClassIndex + n, earlierOf: () => undefined };
  }
  const { generation, subjects } = appended;
  const known = new Map(subjects.map((subject) => [subject.subjectId, subject]));
  const found = await stopwatch.time('earlier', () => earlier.read(subjects, signal));
  return {
    classIndexOf: (n) => subjects[n]!.classIndex,
    earlierOf(subjectId) {
      if (known.get(subjectId)?.earlier.length === 0) return undefined;
      const { sum, real, variants } = found.get(subjectId) ?? { sum: undefined, real: [], variants: [] };
      // No generation gives a number that another could give.
      return { sum, real, variants, firstVariant: generation * run.config.variants };
    },
  };
}
