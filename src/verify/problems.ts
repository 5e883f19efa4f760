/** What verification found wrong. Every problem is counted, the first ones are kept. */
import { describeError, IntegrityError, toError } from '../shared/errors.ts';
import { errorCode } from '../shared/store/systemErrors.ts';

export interface Problem {
  /** A short fixed word in kebab-case. */
  readonly code: string;
  /** One line for a person. */
  readonly message: string;
  /** The store key it is about. */
  readonly key: string;
}

/** Problems kept of each code. */
const KEPT_PER_CODE = 20;

export class ProblemLog {
  readonly kept: Problem[] = [];
  readonly counts = new Map<string, number>();

  add(code: string, key: string, message: string): void {
    const count = (this.counts.get(code) ?? 0) + 1;
    this.counts.set(code, count);
    if (count <= KEPT_PER_CODE) this.kept.push({ code, message, key });
  }

  addAll(others: ProblemLog): void {
    this.kept.push(...others.kept);
    for (const [code, count] of others.counts) this.counts.set(code, (this.counts.get(code) ?? 0) + count);
  }

  /** For catch: an object that is not what was written is a problem; a store that does not answer is an error. */
  addDamaged(key: string): (error: unknown) => undefined {
    return (error) => {
      this.add('damaged', key, describeError(damageOf(error)));
    };
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** A file that is forbidden, and one on a bad place of the disk. */
const UNREADABLE = new Set(['not-readable', 'EIO']);

/** What is wrong with one object; throws everything else. */
export function damageOf(error: unknown): Error {
  if (error instanceof IntegrityError) return error;
  if (UNREADABLE.has(errorCode(error))) return toError(error);
  throw error;
}
