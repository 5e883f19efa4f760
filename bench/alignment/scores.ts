/** How well turned faces are recognised, from embeddings and how far each face is turned. */
import { centroid, dot } from '../../src/shared/l2.ts';
import { randomInt, seededRandom } from '../../src/shared/random.ts';
import { equalErrorRate, equalErrorRateBetween, type Labelled } from '../equalErrorRate.ts';

export interface TurnedFace extends Labelled {
  /** Degrees, without sign. */
  readonly turn: number;
}

export interface PersonScore {
  readonly right: number;
  readonly probes: number;
}

export interface Scores {
  readonly equalErrorRate: number;
  /** Enrolled against turned faces. */
  readonly frontalTurned: number;
  /** Nearest class mean, by person. */
  readonly people: ReadonlyMap<string, PersonScore>;
  /** Nearest class mean, by bin of turn. */
  readonly bins: readonly PersonScore[];
}

export const ENROLLED = 3;
export const PROBE_TURN = 45;
export const BINS = [
  [45, 60],
  [60, 75],
  [75, 90],
] as const;

/**
 * Each person is enrolled with their most frontal faces; probes are the other faces turned by more than PROBE_TURN;
 * people of `distractors` are enrolled beside them.
 */
export function scoreTurned(faces: readonly TurnedFace[], distractors: readonly TurnedFace[]): Scores {
  const enrolled = mostFrontal(faces);
  const probes = faces.filter((face) => face.turn > PROBE_TURN && !enrolled.includes(face));
  const classes = [...classMeans(enrolled), ...classMeans(mostFrontal(distractors))];
  const judged = probes.map((face) => ({ face, right: nearest(classes, face) === face.subjectId }));
  const share = (some: typeof judged): PersonScore => ({
    right: some.filter(({ right }) => right).length,
    probes: some.length,
  });
  return {
    equalErrorRate: equalErrorRate(faces),
    frontalTurned: equalErrorRateBetween(enrolled, probes),
    people: new Map(
      [...new Set(faces.map(({ subjectId }) => subjectId))].map((id) => [
        id,
        share(judged.filter(({ face }) => face.subjectId === id)),
      ]),
    ),
    bins: BINS.map(([from, to]) => share(judged.filter(({ face }) => face.turn > from && face.turn <= to))),
  };
}

/** Share of right answers over all probes. */
export function identified(people: Iterable<PersonScore>): number {
  let right = 0;
  let probes = 0;
  for (const person of people) {
    right += person.right;
    probes += person.probes;
  }
  return right / probes;
}

/** Middle 95 % of the difference of `identified` when the people are drawn anew, with the same people for both. */
export function bootstrapDifference(
  one: ReadonlyMap<string, PersonScore>,
  other: ReadonlyMap<string, PersonScore>,
  draws = 2000,
): [low: number, high: number] {
  const random = seededRandom(1, 'alignment bootstrap');
  const ids = [...one.keys()];
  const differences = Array.from({ length: draws }, () => {
    const drawn = ids.map(() => ids[randomInt(random, ids.length)]!);
    return identified(drawn.map((id) => one.get(id)!)) - identified(drawn.map((id) => other.get(id)!));
  }).sort((a, b) => a - b);
  return [differences[Math.floor(draws * 0.025)]!, differences[Math.ceil(draws * 0.975) - 1]!];
}

function mostFrontal(faces: readonly TurnedFace[]): TurnedFace[] {
  return [...new Set(faces.map(({ subjectId }) => subjectId))].flatMap((id) =>
    faces
      .filter((face) => face.subjectId === id)
      .sort((a, b) => a.turn - b.turn)
      .slice(0, ENROLLED),
  );
}

function classMeans(faces: readonly TurnedFace[]): Labelled[] {
  return [...new Set(faces.map(({ subjectId }) => subjectId))].map((subjectId) => ({
    subjectId,
    embedding: centroid(faces.filter((face) => face.subjectId === subjectId).map((face) => face.embedding)),
  }));
}

function nearest(classes: readonly Labelled[], face: TurnedFace): string | undefined {
  let best: Labelled | undefined;
  let highest = Number.NEGATIVE_INFINITY;
  for (const each of classes) {
    const similarity = dot(each.embedding, face.embedding);
    if (similarity > highest) [highest, best] = [similarity, each];
  }
  return best?.subjectId;
}
