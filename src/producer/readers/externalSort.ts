/**
 * Sorts more than memory holds: full chunks are sorted and written to a temporary folder, then merged. What it takes
 * is fixed: one chunk of items, and one read buffer for each of at most 64 files.
 */
import { type FileHandle, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pidSpace } from '../../shared/machine/pidSpace.ts';
import { sweepFolders } from '../../shared/machine/sweepFolders.ts';

/** Items of a chunk. */
const CHUNK_ITEMS = 50_000;

/** Files merged at a time. */
const FAN_IN = 64;

const SORT_FOLDER = 'posecast-sort-';
/** The note in it of the process whose it is. */
const OWNER_FILE = 'posecast-sort.json';

const READ_BYTES = 64 * 1024;
const WRITE_CHARACTERS = 512 * 1024;

export interface ExternalSorter<T> {
  /**
   * Takes an item; when a promise comes back, a chunk is on its way to the disk: await it before the next. Several
   * callers may add side by side.
   */
  add(item: T): Promise<void> | undefined;
  /** Every item in order; after the last `add`, once. */
  sorted(): AsyncIterable<T>;
  /** Removes the temporary folder. */
  close(): Promise<void>;
}

export interface ExternalSortOptions {
  readonly chunkItems?: number;
  readonly fanIn?: number;
}

/** A sorter of items that JSON can hold. Its folder lies in TMPDIR and takes as much as the items do as text. */
export function openExternalSorter<T>(
  compare: (a: T, b: T) => number,
  options: ExternalSortOptions = {},
): ExternalSorter<T> {
  const { chunkItems = CHUNK_ITEMS, fanIn = FAN_IN } = options;
  let folder: Promise<string> | undefined;
  let files = 0;
  let runs: string[] = [];
  let chunk: T[] = [];

  /** Writes items that are in order to a file of their own. */
  const writeRun = async (items: Iterable<T> | AsyncIterable<T>): Promise<string> => {
    folder ??= makeFolder();
    const path = join(await folder, String(files++));
    const file = await open(path, 'wx');
    try {
      let text = '';
      for await (const item of items) {
        text += `${JSON.stringify(item)}\n`;
        if (text.length >= WRITE_CHARACTERS) {
          await file.writeFile(text);
          text = '';
        }
      }
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    return path;
  };

  const endChunk = async (): Promise<void> => {
    const items = chunk.sort(compare);
    chunk = [];
    runs.push(await writeRun(items));
  };

  return {
    add(item) {
      chunk.push(item);
      return chunk.length >= chunkItems ? endChunk() : undefined;
    },
    async *sorted() {
      if (runs.length === 0) {
        yield* chunk.sort(compare);
        return;
      }
      if (chunk.length > 0) await endChunk();
      while (runs.length > fanIn) {
        const first = runs.slice(0, fanIn);
        runs = [...runs.slice(fanIn), await writeRun(mergeRuns(first, compare))];
        for (const path of first) await rm(path);
      }
      yield* mergeRuns(runs, compare);
    },
    async close() {
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
    },
  };
}

/** Also removes what sorts that were killed have left: each takes as much room as its items do as text. */
async function makeFolder(): Promise<string> {
  await sweepFolders(tmpdir(), SORT_FOLDER, OWNER_FILE);
  const folder = await mkdtemp(join(tmpdir(), SORT_FOLDER));
  await writeFile(join(folder, OWNER_FILE), JSON.stringify({ ownerPid: process.pid, pidSpace: pidSpace() }));
  return folder;
}

/** A run's next item, and the rest of its file. */
interface Cursor<T> {
  head: T;
  readonly rest: AsyncGenerator<T>;
}

/** Merges sorted files with a binary heap of their next items. */
async function* mergeRuns<T>(paths: readonly string[], compare: (a: T, b: T) => number): AsyncGenerator<T> {
  const heap: Cursor<T>[] = [];
  const opened: AsyncGenerator<T>[] = [];
  const below = (i: number, j: number) =>
    compare((heap[i] as Cursor<T>).head, (heap[j] as Cursor<T>).head) < 0;
  /** Restores the heap under place i. */
  const sink = (place: number): void => {
    for (let i = place; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && below(child, least)) least = child;
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least] as Cursor<T>, heap[i] as Cursor<T>];
      i = least;
    }
  };
  try {
    for (const path of paths) {
      const rest = readRun<T>(path);
      opened.push(rest);
      const first = await rest.next();
      if (!first.done) heap.push({ head: first.value, rest });
    }
    for (let i = heap.length >> 1; i >= 0; i--) sink(i);
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      yield top.head;
      const next = await top.rest.next();
      if (!next.done) top.head = next.value;
      else {
        const last = heap.pop() as Cursor<T>;
        if (heap.length > 0) heap[0] = last;
      }
      sink(0);
    }
  } finally {
    for (const rest of opened) await rest.return(undefined);
  }
}

/** The items of a file, one line each; parsed one by one. */
async function* readRun<T>(path: string): AsyncGenerator<T> {
  const file: FileHandle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null);
      text += decoder.decode(buffer.subarray(0, bytesRead), { stream: bytesRead > 0 });
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        yield JSON.parse(text.slice(start, end)) as T;
        start = end + 1;
      }
      text = text.slice(start);
      if (bytesRead === 0) return;
    }
  } finally {
    await file.close();
  }
}
