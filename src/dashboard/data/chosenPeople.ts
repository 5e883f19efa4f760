/** People whom somebody has chosen: their photographs, and their embeddings in one plot. */
import type { PersonPlace, PersonRow, RunPeople } from './people.ts';
import { type Projection, projectEmbeddings } from './projection.ts';
import type { EmbeddingPoint, ShardFiles } from './shardFiles.ts';

/** Points of a person in the plot: it stays readable, and its components are exact in a moment. */
const MAX_POINTS = 30;

export interface ChosenPerson {
  readonly person: PersonRow;
  /** Real faces, each with its place in its shard's part of the listing. */
  readonly faces: readonly {
    readonly faceId: string;
    readonly shard: number;
    readonly row: number;
    readonly point: EmbeddingPoint;
  }[];
  /** What of the person is in the plot, real and generated. */
  readonly points: readonly EmbeddingPoint[];
  /** Everything of the person. */
  readonly all: readonly EmbeddingPoint[];
}

/** The people at these places; those whose shard is not committed are left out. */
export async function choosePeople(
  { people, files }: { readonly people: RunPeople; readonly files: ShardFiles },
  places: readonly PersonPlace[],
): Promise<{ readonly chosen: ChosenPerson[]; readonly projection: Projection | undefined }> {
  const found = await Promise.all(places.map(people.at));
  const chosen = await Promise.all(
    found
      .filter((person) => person !== undefined)
      .map(async (person): Promise<ChosenPerson> => {
        const parts = await Promise.all(
          person.shards.map(async (shard) => {
            const [points, listing] = await Promise.all([
              files.embeddings(shard, new Set([person.subjectId])),
              files.listing(shard),
            ]);
            const rows = new Map(listing.map(({ faceId }, row) => [faceId, row]));
            const faces = points.flatMap((point) => {
              const row = point.kind === 'real' ? rows.get(point.faceId) : undefined;
              return row === undefined ? [] : [{ faceId: point.faceId, shard, row, point }];
            });
            return { points, faces };
          }),
        );
        const all = parts.flatMap(({ points }) => points);
        const faces = parts.flatMap((part) => part.faces);
        const real = all.filter(({ kind }) => kind === 'real');
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
