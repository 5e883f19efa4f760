/** One run with everything that its pages are made of. */
import type { RunFile } from '../shared/run/runFile.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { openCoverage, type RunCoverage } from './data/coverage.ts';
import { personAt } from './data/people.ts';
import { type Projection, projectEmbeddings } from './data/projection.ts';
import type { RedisLink } from './data/redisLink.ts';
import { openRunWatch, type RunWatch } from './data/runWatch.ts';
import { type EmbeddingPoint, openShardFiles, type ShardFiles } from './data/shardFiles.ts';
import { openThumbnails, type Thumbnails } from './data/thumbnail.ts';
import type { ChosenPerson } from './pages/people.ts';

export interface RunView {
  readonly run: RunFile;
  readonly watch: RunWatch;
  readonly files: ShardFiles;
  readonly thumbnails: Thumbnails;
  /** What is known of the poses; what is new is read in the background and announced by the watch. */
  coverage(): RunCoverage | undefined;
  close(): Promise<void>;
}

export function openRunView(run: RunFile, store: ObjectStore, link: RedisLink | undefined): RunView {
  const watch = openRunWatch(run, store, link);
  const files = openShardFiles(run, store);
  const reader = openCoverage(watch.log, files);
  let known: RunCoverage | undefined;
  let reading = false;
  let readVersion = -1;
  return {
    run,
    watch,
    files,
    thumbnails: openThumbnails(run),
    coverage() {
      const { version } = watch.log;
      if (!reading && readVersion !== version) {
        reading = true;
        reader
          .read()
          .then((coverage) => {
            known = coverage;
            readVersion = version;
            watch.announce();
          })
          // The store: its trouble is told by the looks. The next look tries again.
          .catch(() => undefined)
          .finally(() => {
            reading = false;
          });
      }
      return known;
    },
    close: () => watch.close(),
  };
}

/** Points of a person in the plot: the plot stays readable, and its components are exact in a moment. */
const MAX_POINTS = 50;

/** The people with these class indices; those whose shard is not committed are left out. */
export async function choosePeople(
  { watch, files }: RunView,
  classIndices: readonly number[],
): Promise<{ readonly chosen: ChosenPerson[]; readonly projection: Projection | undefined }> {
  const people = await Promise.all(classIndices.map((index) => personAt(watch.log, files, index)));
  const chosen = await Promise.all(
    people
      .filter((person) => person !== undefined)
      .map(async (person): Promise<ChosenPerson> => {
        const [all, listing] = await Promise.all([
          files.embeddings(person.shard, new Set([person.subjectId])),
          files.listing(person.shard),
        ]);
        const real = all.filter(({ kind }) => kind === 'real');
        const rows = new Map(listing.map(({ faceId }, row) => [faceId, row]));
        const faces = real.flatMap((point) => {
          const row = rows.get(point.faceId);
          return row === undefined ? [] : [{ faceId: point.faceId, row, point }];
        });
        const generated = all.filter(({ kind }) => kind === 'augmented');
        const points = [...evenly(real, MAX_POINTS / 2), ...evenly(generated, MAX_POINTS / 2)];
        return { person, faces, points, all };
      }),
  );
  const points = chosen.flatMap((one) => one.points);
  return {
    chosen,
    projection: points.length >= 3 ? projectEmbeddings(points.map(({ embedding }) => embedding)) : undefined,
  };
}

/** At most `most` of the items, evenly from the first to the last. */
function evenly(items: readonly EmbeddingPoint[], most: number): EmbeddingPoint[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)]!);
}
