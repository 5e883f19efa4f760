/** People who do not exist, whose embeddings turn in a known way. */
import type { Person, Photograph } from '../../src/evaluate/people.ts';
import { normalizeInPlace } from '../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

const DIM = 32;
/** Length of the change at 90°, in units of an identity. */
const TURN = 2;
/** Yaws of a person's photographs in degrees. */
const YAWS = [0, 3, -5, 12, 20, 32, 45, 52, 60, 70];

export interface SyntheticOptions {
  readonly evaluated: number;
  readonly distractors: number;
  readonly seed: number;
  /** Share of a turn's change that is the same for everybody; the rest is a direction of the person's own. */
  readonly shared?: number;
  /** Names are dealt out anew among photographs. */
  readonly shuffled?: boolean;
}

/** A turned embedding is identity + turn · (what all share + what nobody shares) + noise. */
export function makePeople({
  evaluated,
  distractors,
  seed,
  shared = 1,
  shuffled,
}: SyntheticOptions): Person[] {
  const random = seededRandom(seed, 'world');
  const direction = vector(random, 1);
  const faces = Array.from({ length: evaluated + distractors }, (_, person) => {
    const own = seededRandom(seed, 'person', person);
    const identity = vector(own, 1);
    const moved = vector(own, 1);
    return YAWS.map((yaw) => {
      const turn = Math.sin((Math.PI / 180) * yaw);
      const embedding = identity.map(
        (value, i) =>
          value + TURN * turn * (shared * direction[i]! + (1 - shared) * moved[i]!) + 0.1 * randomNormal(own),
      );
      normalizeInPlace(embedding);
      return { yaw, embedding };
    });
  });
  const flat = faces.flat();
  const order = flat.map((_, i) => i);
  if (shuffled === true) {
    const deal = seededRandom(seed, 'deal');
    order.sort(() => deal() - 0.5);
  }
  return faces.map((own, person): Person => {
    const subjectId = `p${String(person).padStart(2, '0')}`;
    return {
      subjectId,
      role: person < evaluated ? 'evaluated' : 'distractors',
      photographs: own.map((_, k): Photograph => {
        const { yaw, embedding } = flat[order[person * YAWS.length + k]!]!;
        return { faceId: `${subjectId}/${k}`, subjectId, yaw, pitch: 0, embedding };
      }),
    };
  });
}

function vector(random: () => number, spread: number): Float32Array {
  return Float32Array.from({ length: DIM }, () => spread * randomNormal(random));
}
