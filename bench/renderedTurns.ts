/**
 * Do renders move embeddings as real turns do? Mean change from a person's most frontal faces to those beyond 40° of
 * yaw: of renders, of real photographs, and how alike two halves of the real people are (what can be expected at
 * most). Then: how much of what really varies within people lies in the main directions in which renders vary, beside
 * how much of what tells people apart lies there; only a larger share than that is good for anything.
 *
 *     node dist/bench/renderedTurns.js SAMPLES.arrow FOLDER [recogniser]
 *
 * SAMPLES.arrow is OUT/work/samples.arrow of a training for the recogniser; FOLDER holds one folder a person.
 */
import { readFile } from 'node:fs/promises';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { dot } from '../src/shared/l2.ts';
import { seededRandom, shuffle } from '../src/shared/random.ts';
import { readAnySamples } from '../src/training/samples.ts';
import { openFacePipeline } from '../src/worker/facePipeline.ts';
import { resolvePipelineModels } from '../src/worker/models/pipelineModels.ts';
import { listPhotographs } from './photographs.ts';

interface Face {
  readonly yaw: number;
  readonly embedding: Float32Array;
}

type People = ReadonlyMap<string, readonly Face[]>;

/** Degrees beyond which a face counts as turned; frontal faces of a person. */
const TURNED = 40;
const FRONTAL = 3;
const HALVES = 200;
const DIRECTIONS = [10, 20, 40, 80];

async function realPeople(folder: string, recognizer: string): Promise<People> {
  const { models } = await resolvePipelineModels({ detector: 'fr-detect', recognizer }, console.error);
  const pipeline = await openFacePipeline({ models, aligned: false, device: 'cpu', intraOpThreads: 1 });
  const faces: (Face & { subjectId: string })[] = [];
  for (const { path, subjectId } of await listPhotographs(folder)) {
    const [outcome] = await pipeline.process([{ faceId: path, bytes: await readFile(path) }]);
    if (outcome?.status !== 'ok') continue;
    faces.push({ subjectId, yaw: outcome.face.pose.yaw, embedding: outcome.face.embedding });
  }
  await pipeline.close();
  return byPerson(faces);
}

function byPerson(faces: readonly (Face & { readonly subjectId: string })[]): People {
  const people = new Map<string, Face[]>();
  for (const face of faces) people.set(face.subjectId, [...(people.get(face.subjectId) ?? []), face]);
  return people;
}

/** Mean change of every person with turned faces; `side` 1 or −1: only those turned to that side. */
function changes(people: People, side?: 1 | -1): Float32Array[] {
  return [...people.values()].flatMap((faces) => {
    const ranked = [...faces].sort((a, b) => Math.abs(a.yaw) - Math.abs(b.yaw));
    const turned = ranked
      .slice(FRONTAL)
      .filter(({ yaw }) => Math.abs(yaw) > TURNED && (side === undefined || side * yaw > 0));
    if (turned.length === 0) return [];
    const from = meanOf(ranked.slice(0, FRONTAL).map(({ embedding }) => embedding));
    return [meanOf(turned.map(({ embedding }) => embedding)).map((value, i) => value - from[i]!)];
  });
}

function meanOf(rows: readonly ArrayLike<number>[]): Float32Array {
  const mean = new Float32Array(rows[0]!.length);
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i]! += row[i]! / rows.length;
  return mean;
}

function cosine(a: Float32Array, b: Float32Array): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** Rows about their person's mean, and the means about their own mean. */
function within(people: People): Float32Array[] {
  return [...people.values()].flatMap((faces) => {
    const mean = meanOf(faces.map(({ embedding }) => embedding));
    return faces.map(({ embedding }) => Float32Array.from(embedding, (value, i) => value - mean[i]!));
  });
}

function between(people: People): Float32Array[] {
  const means = [...people.values()].map((faces) => meanOf(faces.map(({ embedding }) => embedding)));
  const all = meanOf(means);
  return means.map((mean) => mean.map((value, i) => value - all[i]!));
}

/** Directions in which rows vary most, first first. */
function mainDirections(rows: readonly Float32Array[]): Float32Array[] {
  const matrix = new Matrix(rows.map((row) => Array.from(row)));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(
    matrix.transpose().mmul(matrix),
    { assumeSymmetric: true },
  );
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
  return order.map((column) => Float32Array.from(eigenvectorMatrix.getColumn(column)));
}

/** Share of the squared length of rows that lies in the first k directions. */
function share(rows: readonly Float32Array[], directions: readonly Float32Array[], k: number): number {
  const all = rows.reduce((sum, row) => sum + dot(row, row), 0);
  const inside = rows.reduce(
    (sum, row) =>
      sum + directions.slice(0, k).reduce((part, direction) => part + dot(row, direction) ** 2, 0),
    0,
  );
  return inside / all;
}

const [path, folder, recognizer = 'fr-feature'] = process.argv.slice(2);
if (path === undefined || folder === undefined) throw new Error('expected SAMPLES.arrow and a folder');
const samples = (await readAnySamples(path)) ?? [];
const rendered = byPerson(
  samples.map(({ subjectId, pose, embedding }) => ({ subjectId, yaw: pose.yaw, embedding })),
);
const real = await realPeople(folder, recognizer);
const turns = changes(real);
const random = seededRandom(0, 'halves');
const halves = Array.from({ length: HALVES }, () => {
  const order = shuffle(random, [...turns]);
  const middle = order.length >> 1;
  return cosine(meanOf(order.slice(0, middle)), meanOf(order.slice(middle)));
});
console.log(`${real.size} real people, ${turns.length} of them turned; ${rendered.size} rendered people\n`);
console.log('| mean change | cosine to the mean change of real turns |\n|---|--:|');
console.log(
  `| half of the real people, against the other half | ${meanOf(halves.map((value) => [value]))[0]!.toFixed(2)} |`,
);
for (const side of [1, -1] as const) {
  const to = side === 1 ? 'right' : 'left';
  console.log(
    `| renders to the image’s ${to} | ${cosine(meanOf(changes(rendered, side)), meanOf(turns)).toFixed(2)} |`,
  );
}
const directions = mainDirections(within(rendered));
console.log(
  '\n| main directions of renders | share of what varies within real people | … between them |\n|--:|--:|--:|',
);
for (const k of DIRECTIONS) {
  const [inside, across] = [share(within(real), directions, k), share(between(real), directions, k)];
  console.log(`| ${k} | ${(100 * inside).toFixed(0)} % | ${(100 * across).toFixed(0)} % |`);
}
