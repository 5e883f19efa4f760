/** What the first that needs it opens, and the next opens anew where that has failed. */
export interface OnDemand<T> {
  get(): Promise<T>;
  /** Closes it if it is open; nothing is asked for any more. */
  close(): Promise<void>;
}

export function openOnDemand<T extends { close(): Promise<void> }>(open: () => Promise<T>): OnDemand<T> {
  let opened: Promise<T> | undefined;
  return {
    get() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined;
        throw error;
      });
      return opened;
    },
    async close() {
      // Who asked for what cannot be opened has heard of it.
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}
