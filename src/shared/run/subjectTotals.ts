/**
 * The rows of people over all generations: somebody whose photographs came at several times has a row in the subjects
 * table of each. Their numbers are added up; pose coverage is that of the shard that was done last, which saw the rows
 * of all others. Held by class_index, 28 bytes a person; a run without appends needs none of it.
 */
import { IntegrityError } from '../errors.ts';
import type { SubjectRow } from '../table/tables.ts';

/** faces, rejects, variants, variantsRejected. */
const COUNTS = 4;

export class SubjectTotals {
  private readonly counts: Int32Array;
  private readonly coverage: Float32Array;
  /** Hash of the person's id; 0: no shard that came after the plan has a row of them. */
  private readonly ids: Uint32Array;

  /** @param subjects different people of the run. */
  constructor(subjects: number) {
    this.counts = new Int32Array(subjects * COUNTS);
    this.coverage = new Float32Array(subjects * 2);
    this.ids = new Uint32Array(subjects);
  }

  /** A row of a shard that came after the plan; the shards by their numbers. Throws IntegrityError. */
  add(row: SubjectRow): void {
    const at = row.classIndex;
    if (!(at >= 0 && at < this.ids.length)) {
      const facts = { subject: row.subjectId, classIndex: at, people: this.ids.length };
      throw new IntegrityError('class-index', 'shard has a person with a class_index beyond the run', facts);
    }
    this.check(row);
    this.ids[at] = hashId(row.subjectId);
    const counts = this.counts.subarray(at * COUNTS, (at + 1) * COUNTS);
    for (const [i, value] of countsOf(row).entries()) counts[i]! += value;
    this.coverage.set([row.poseCoverageBefore, row.poseCoverageAfter], at * 2);
  }

  /**
   * The person's first row, as planned or in the append that brought them → their row in the merged table.
   * @param isAdded whether `add` had the row too.
   */
  merge(row: SubjectRow, isAdded: boolean): SubjectRow {
    const at = row.classIndex;
    if (this.ids[at] === 0) return row;
    this.check(row);
    const own = isAdded ? [0, 0, 0, 0] : countsOf(row);
    const sum = (i: number) => this.counts[at * COUNTS + i]! + own[i]!;
    return {
      subjectId: row.subjectId,
      classIndex: at,
      faces: sum(0),
      rejects: sum(1),
      variants: sum(2),
      variantsRejected: sum(3),
      poseCoverageBefore: this.coverage[at * 2]!,
      poseCoverageAfter: this.coverage[at * 2 + 1]!,
    };
  }

  private check({ subjectId, classIndex }: SubjectRow): void {
    const known = this.ids[classIndex];
    if (known === 0 || known === hashId(subjectId)) return;
    const facts = { subject: subjectId, classIndex };
    throw new IntegrityError('class-index', 'two people have the same class_index', facts);
  }
}

function countsOf({ faces, rejects, variants, variantsRejected }: SubjectRow): number[] {
  return [faces, rejects, variants, variantsRejected];
}

/** FNV-1a over UTF-16 units, never 0. */
function hashId(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash >>> 0 || 1;
}
