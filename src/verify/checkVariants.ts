/** Whether people have the variants that the run asks for. */
import type { ShardCommit } from '../shared/run/shardCommit.ts';
import type { SubjectRow } from '../shared/table/tables.ts';
import type { Verification } from './verification.ts';

/**
 * Nobody has more variants than the run asks for. Of somebody with photographs in one shard only, as many were made:
 * all were kept or dropped, none where no photograph could be used. With photographs in several shards, what another
 * one dropped is tried again, as often as there are shards.
 *
 * @param people rows of the shard's table.
 * @param merged the same people's rows of the merged table.
 */
export function checkVariants(
  { run, problems }: Verification,
  { subjects: { key } }: ShardCommit,
  people: readonly SubjectRow[],
  merged: readonly SubjectRow[],
): void {
  const asked = run.config.variants;
  for (const [i, row] of merged.entries()) {
    const { subjectId, variants, variantsRejected } = row;
    if (variants > asked) {
      const problem = `${subjectId} has ${variants} variants, the run asks for ${asked}`;
      problems.add('too-many-variants', key, problem);
      continue;
    }
    if (photographs(row) > photographs(people[i]!)) continue;
    const expected = row.faces === 0 ? 0 : asked;
    if (variants + variantsRejected === expected) continue;
    const found = `${variants} variants and ${variantsRejected} that were dropped`;
    problems.add('variant-count', key, `${subjectId} has ${found}, expected ${expected} in all`);
  }
}

function photographs({ faces, rejects }: SubjectRow): number {
  return faces + rejects;
}
