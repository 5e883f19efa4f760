/**
 * Whether a person is found by a description of their face alone: the nearest, by Euclidean distance, of one face of
 * everybody.
 */
import { innerProducts } from '../../src/evaluate/tasks/innerProducts.ts';
import { eigen } from '../../src/fra/training/ridge.ts';
import { squaredDistance } from '../../src/shared/l2.ts';
import { dealPeople } from './linearProbe.ts';
import type { Answer } from './personTally.ts';
import { FEATURES, type Feature, type PostureFace } from './postureFace.ts';
import { FOLDS } from './readings.ts';

/** Which of the faces are searched for a query, and which faces are queries. */
export const SEARCHES = {
  /** Photographs; the gallery shows everybody with the other expression. */
  'other photograph': {
    asks: ({ gridIndex }) => gridIndex === -1,
    searched: (query, face) => face.gridIndex === -1 && otherExpression(query, face),
  },
  /** Renders; the gallery shows everybody's other expression at the same pose. */
  'other photograph, same pose': {
    asks: ({ gridIndex }) => gridIndex >= 0,
    searched: (query, face) => face.gridIndex === query.gridIndex && otherExpression(query, face),
  },
  /** Renders; the gallery holds everybody's photograph with the same expression. */
  'other pose': {
    asks: ({ gridIndex }) => gridIndex >= 0,
    searched: (query, face) => face.gridIndex === -1 && face.expression === query.expression,
  },
} as const satisfies Record<string, Search>;
export type SearchName = keyof typeof SEARCHES;

interface Search {
  readonly asks: (face: PostureFace) => boolean;
  readonly searched: (query: PostureFace, face: PostureFace) => boolean;
}

function otherExpression(query: PostureFace, face: PostureFace): boolean {
  return face.expression !== query.expression;
}

export interface Found {
  readonly answers: readonly Answer[];
  /** Mean share of the gallery that is the query's person: what guessing gives. */
  readonly chance: number;
}

type Describe = (face: PostureFace) => Float32Array;

/** Faces without an expression are left out: they might be the query's own photograph. */
export function findPeople(faces: readonly PostureFace[], name: SearchName, describe: Describe): Found {
  return find(faces, name, () => describe);
}

/**
 * The same with descriptions in which what changes within people counts less, so that identity is found that a plain
 * distance would miss: whitened by the within-person covariance of people of other folds.
 */
export function findPeopleWhitened(
  faces: readonly PostureFace[],
  names: readonly SearchName[],
  feature: Feature,
  seed: number,
): Found[] {
  const folds = dealPeople(
    faces.map(({ subjectId }) => subjectId),
    FOLDS,
    seed,
  );
  const whitened = Array.from({ length: FOLDS }, (_, fold) =>
    whiten(
      faces,
      faces.filter(({ subjectId }) => folds.get(subjectId) !== fold),
      feature,
    ),
  );
  const describeFor = (query: PostureFace): Describe => {
    const of = whitened[folds.get(query.subjectId)!]!;
    return (face) => of.get(face)!;
  };
  return names.map((name) => find(faces, name, describeFor));
}

function find(
  faces: readonly PostureFace[],
  name: SearchName,
  describeFor: (query: PostureFace) => Describe,
): Found {
  const { asks, searched }: Search = SEARCHES[name];
  const known = faces.filter(({ expression }) => expression !== undefined);
  const answers: Answer[] = [];
  let chance = 0;
  for (const query of known.filter(asks)) {
    const { subjectId } = query;
    const gallery = known.filter((face) => searched(query, face));
    const own = gallery.filter((face) => face.subjectId === subjectId).length;
    // Without the person's own face there is nothing to find.
    if (own === 0) continue;
    chance += own / gallery.length;
    const describe = describeFor(query);
    const asked = describe(query);
    const distances = gallery.map((face) => squaredDistance(asked, describe(face)));
    const nearest = gallery[distances.indexOf(Math.min(...distances))]!;
    answers.push({ subjectId, positive: true, right: nearest.subjectId === subjectId });
  }
  return { answers, chance: chance / answers.length };
}

/** Share of the mean variance that is added to every direction. */
const SHRINKAGE = 0.1;

/** Every face, whitened by the within-person covariance of `teachers`. */
function whiten(
  faces: readonly PostureFace[],
  teachers: readonly PostureFace[],
  feature: Feature,
): Map<PostureFace, Float32Array> {
  const describe = FEATURES[feature];
  const deviations = peopleOf(teachers).flatMap((own) => {
    const vectors = own.map(describe);
    const mean = vectors[0]!.map((_, i) => vectors.reduce((sum, v) => sum + v[i]!, 0) / vectors.length);
    return vectors.map((vector) => vector.map((value, i) => value - mean[i]!));
  });
  const width = deviations[0]!.length;
  const columns = Array.from({ length: width }, (_, i) => Float32Array.from(deviations, (row) => row[i]!));
  const { values, vectors } = eigen(innerProducts(columns, columns), width);
  const level = (SHRINKAGE * values.reduce((sum, value) => sum + value, 0)) / width;
  const directions = Array.from({ length: width }, (_, k) => {
    const factor = Math.sqrt(teachers.length / (Math.max(0, values[k]!) + level));
    return Float32Array.from({ length: width }, (_unused, i) => factor * vectors[i * width + k]!);
  });
  const turned = innerProducts(faces.map(describe), directions);
  return new Map(
    faces.map((face, i) => [face, Float32Array.from(turned.subarray(i * width, (i + 1) * width))]),
  );
}

function peopleOf(faces: readonly PostureFace[]): PostureFace[][] {
  const people = new Map<string, PostureFace[]>();
  for (const face of faces) {
    const own = people.get(face.subjectId);
    if (own === undefined) people.set(face.subjectId, [face]);
    else own.push(face);
  }
  return [...people.values()];
}
