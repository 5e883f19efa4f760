/** One run with everything that its pages are made of. */
import type { RunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { S3Options } from '../shared/store/storeOptions.ts';
import { openCoverage, type RunCoverage } from './data/coverage.ts';
import { openRunPeople, type RunPeople } from './data/people.ts';
import { openPhotographs } from './data/photographs.ts';
import type { RedisLink } from './data/redisLink.ts';
import { type RejectedFace, rejectsPage } from './data/rejects.ts';
import { openRunWatch, type RunWatch } from './data/runWatch.ts';
import { openShardFiles, type ShardFiles } from './data/shardFiles.ts';
import { openThumbnails, type Thumbnails } from './data/thumbnail.ts';

export interface RunView {
  readonly run: RunFile;
  readonly watch: RunWatch;
  readonly files: ShardFiles;
  readonly people: RunPeople;
  readonly thumbnails: Thumbnails;
  /** What the overview shows beside the numbers; undefined until it has been read. */
  coverage(): RunCoverage | undefined;
  /** Rejected faces, some of each of the frequent reasons. */
  examples(): readonly RejectedFace[] | undefined;
  close(): Promise<void>;
}

/** Rejected faces on the overview. */
const EXAMPLES = 6;

/** `corpusS3`: how a corpus in S3 is reached. `onReplaced` hears of another run that the store holds by now. */
export function openRunView(
  run: RunFile,
  store: ObjectStore,
  link: RedisLink | undefined,
  corpusS3: S3Options,
  onReplaced: (found: RunFile) => void,
): RunView {
  const watch = openRunWatch(run, store, link, onReplaced);
  const files = openShardFiles(run, store);
  const people = openRunPeople(watch.log, files, store, () => watch.shards);
  const reader = openCoverage(watch.log, people, files);
  const photographs = openPhotographs(run, corpusS3);
  return {
    run,
    watch,
    files,
    people,
    thumbnails: openThumbnails(photographs),
    coverage: inBackground(watch, () => reader.read()),
    examples: inBackground(watch, () => exampleRejects(watch, files)),
    async close() {
      await watch.close();
      await photographs.close();
    },
  };
}

/**
 * What `read` gave last. When shards were committed since, it is read again, and the watch announces it: a page must
 * not wait for tables in a store that is far away.
 */
function inBackground<T>(watch: RunWatch, read: () => Promise<T>): () => T | undefined {
  let known: T | undefined;
  let version = -1;
  let reading = false;
  return () => {
    const now = watch.log.version;
    if (!reading && version !== now) {
      reading = true;
      read()
        .then((value) => {
          known = value;
          version = now;
          watch.announce();
        })
        // The store: its trouble is told by the looks. The next one who asks tries again.
        .catch(() => undefined)
        .finally(() => {
          reading = false;
        });
    }
    return known;
  };
}

async function exampleRejects({ log }: RunWatch, files: ShardFiles): Promise<RejectedFace[]> {
  const codes = Object.entries(log.rejectsByCode)
    .sort(([, a], [, b]) => b - a)
    .slice(0, EXAMPLES)
    .map(([code]) => code);
  const each = Math.ceil(EXAMPLES / Math.max(1, codes.length));
  const found = await Promise.all(codes.map((code) => rejectsPage(log, files, code, 0, each)));
  return found.flat().slice(0, EXAMPLES);
}
