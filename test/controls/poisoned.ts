/** The environment of a posecast process that `poison.ts` is loaded into. */

export interface Poison {
  /** What a photograph does whose path holds `poison` when it is read, or to the thread that works on it. */
  readonly reading?: 'abort' | 'hang' | 'model-thread' | 'table-thread';
  readonly locks?: 'short';
}

export function poisoned({ reading, locks }: Poison): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: `--import=${new URL('./poison.js', import.meta.url)}`,
    ...(reading && { POSECAST_TEST_POISON: reading }),
    ...(locks && { POSECAST_TEST_LOCKS: locks }),
  };
}
