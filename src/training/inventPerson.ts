/**
 * People who do not exist: the faces of two or three training people blended, in shape and picture apart, on a head
 * of its own depth. A generator learns how embeddings change with pose from as many people as it can get, and with
 * fewer than a hundred real ones it learns those by heart.
 */
import { type Random, randomInt, randomNormal } from '../shared/random.ts';
import type { Raster } from '../worker/models/raster.ts';
import { headShape } from './headModel.ts';
import type { Colour, Head } from './renderPose.ts';

/** A frontal photograph that people are made of. */
export interface Frontal {
  readonly subjectId: string;
  readonly picture: Raster;
  /** In the picture's pixels. */
  readonly landmarks: Float32Array;
}

/** Share of invented people that have two parents; the others have three. */
const TWO_PARENTS = 0.5;
/** Standard deviation of the depth of heads, relative. */
const DEPTH_SPREAD = 0.15;
/** Shares of backgrounds: black (faces cut from tight photographs), grey, coloured. */
const BLACK_SHARE = 0.35;
const GREY_SHARE = 0.3;

/** Chooses parents of one invented person: photographs of different people, at most as many as there are. */
export function chooseParents<T extends Pick<Frontal, 'subjectId'>>(
  frontals: readonly T[],
  random: Random,
): T[] {
  const wanted = random() < TWO_PARENTS ? 2 : 3;
  const parents: T[] = [];
  const left = [...frontals];
  while (parents.length < wanted && left.length > 0) {
    const [parent] = left.splice(randomInt(random, left.length), 1);
    if (!parents.some(({ subjectId }) => subjectId === parent!.subjectId)) parents.push(parent!);
  }
  return parents;
}

/** The head of an invented person. */
export function inventHead(parents: readonly Frontal[], random: Random): Head {
  const shapes = parents.map(({ landmarks }) => headShape(landmarks));
  const shares = randomShares(parents.length, random);
  return {
    shape: shapes[0]!.map((_, i) => shapes.reduce((sum, shape, k) => sum + shares[k]! * shape[i]!, 0)),
    depthScale: Math.max(0.4, 1 + DEPTH_SPREAD * randomNormal(random)),
    textures: randomShares(parents.length, random).map((share, k) => ({
      picture: parents[k]!.picture,
      landmarks: parents[k]!.landmarks,
      weight: patchyWeight(share, random),
    })),
    background: randomBackground(random),
  };
}

/** Uniform over all ways to share 1. */
function randomShares(count: number, random: Random): number[] {
  const parts = Array.from({ length: count }, () => -Math.log(1 - random()));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / total);
}

/** A weight that waves over the face, so that one parent gives the eyes and another the mouth. */
function patchyWeight(share: number, random: Random): (x: number, y: number) => number {
  const [alongX, alongY] = [1.3 * randomNormal(random), 1.3 * randomNormal(random)];
  const phase = 2 * Math.PI * random();
  return (x, y) => Math.max(share, 1e-6) * Math.exp(Math.sin(alongX * x + alongY * y + phase));
}

function randomBackground(random: Random): Colour {
  const kind = random();
  const value = () => 60 + Math.round(180 * random());
  if (kind < BLACK_SHARE) return [0, 0, 0];
  if (kind >= BLACK_SHARE + GREY_SHARE) return [value(), value(), value()];
  const grey = value();
  return [grey, grey, grey];
}
