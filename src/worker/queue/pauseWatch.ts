/** Looks now and then whether a run is paused; an object store has no way to tell by itself. */
import { readPause } from '../../shared/run/pause.ts';
import type { RunFile } from '../../shared/run/runFile.ts';
import type { ObjectStore } from '../../shared/store/objectStore.ts';

/** Between two looks, in milliseconds: one small request each. */
const LOOK_MS = 2_000;

export interface PauseWatch {
  /** As of the last look. */
  readonly paused: boolean;
  close(): void;
}

/** Has looked once when it resolves. */
export async function openPauseWatch(
  run: Pick<RunFile, 'runId'>,
  store: ObjectStore,
  onChange: (paused: boolean) => void,
): Promise<PauseWatch> {
  let paused = (await readPause(store, run.runId)) !== undefined;
  const closed = new AbortController();
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    try {
      const found = (await readPause(store, run.runId)) !== undefined;
      if (closed.signal.aborted || found === paused) return;
      paused = found;
      onChange(paused);
    } catch {
      // The last answer holds. A store that stays away is reported by the shards, which need it more.
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  return {
    get paused() {
      return paused;
    },
    close() {
      clearInterval(timer);
      closed.abort();
    },
  };
}
