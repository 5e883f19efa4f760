/**
 * A shard whose worker died before runs alone: if it kills this process too, no other shard is counted as having been
 * there. Without this a shard that is always handed out beside a deadly one would be given up with it.
 */

export interface AloneTurns {
  /**
   * Resolves when the shard may be worked on; false: one that must be alone is in work or waits for it, hand this one
   * back.
   */
  enter(mustBeAlone: boolean, signal: AbortSignal): Promise<boolean>;
  /** To be called once for every `enter`, when the shard is done with. */
  leave(): void;
}

export interface AloneTurnsOptions {
  /**
   * Called with false when one that must be alone comes, and with true when it has left: whether several are taken at
   * once.
   */
  readonly onMayOverlap: (mayOverlap: boolean) => void;
}

export function createAloneTurns({ onMayOverlap }: AloneTurnsOptions): AloneTurns {
  /** Those that entered and have not left, whatever they were told. */
  let inside = 0;
  let alone = false;
  let onLeave = (): void => {};
  return {
    async enter(mustBeAlone, signal) {
      inside++;
      if (alone) return false;
      if (!mustBeAlone) return true;
      alone = true;
      onMayOverlap(false);
      while (inside > 1 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          onLeave = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      return true;
    },
    leave() {
      inside--;
      if (alone && inside === 0) {
        alone = false;
        onMayOverlap(true);
      }
      onLeave();
    },
  };
}
