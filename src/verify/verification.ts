/** What every step of a verification works with. */
import type { RunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { DuplicateIds } from './duplicateIds.ts';
import type { ProblemLog } from './problems.ts';

export interface Verification {
  readonly store: ObjectStore;
  readonly run: RunFile;
  /** Takes what is wrong. */
  readonly problems: ProblemLog;
  /** Takes every face_id. */
  readonly ids: DuplicateIds;
  readonly signal: AbortSignal | undefined;
}
