/** Verification: error rates over genuine and impostor scores, each with the weight of its person. */

/** Scores of comparisons, highest first. */
export interface ScoreSet {
  /** 1: both sides are the same person. */
  readonly genuine: Uint8Array;
  /** Position in the list of evaluated people of whose probe was compared; indexes the weights. */
  readonly person: Int32Array;
  /** 1: the last of equal scores, which are accepted together. */
  readonly last: Uint8Array;
  /** Comparisons of each person. */
  readonly genuineOf: Int32Array;
  readonly impostorOf: Int32Array;
}

export interface Comparison {
  readonly score: number;
  readonly genuine: boolean;
  readonly person: number;
}

export function scoreSet(comparisons: readonly Comparison[]): ScoreSet {
  const sorted = [...comparisons].sort((a, b) => b.score - a.score);
  const people = sorted.reduce((most, { person }) => Math.max(most, person + 1), 0);
  const [genuineOf, impostorOf] = [new Int32Array(people), new Int32Array(people)];
  for (const { genuine, person } of sorted) (genuine ? genuineOf : impostorOf)[person]! += 1;
  return {
    genuine: Uint8Array.from(sorted, ({ genuine }) => Number(genuine)),
    person: Int32Array.from(sorted, ({ person }) => person),
    last: Uint8Array.from(sorted, ({ score }, i) => Number(sorted[i + 1]?.score !== score)),
    genuineOf,
    impostorOf,
  };
}

export function countImpostors({ impostorOf }: ScoreSet): number {
  return impostorOf.reduce((sum, count) => sum + count, 0);
}

export interface ErrorRates {
  /** Where the share of refused genuine pairs and the share of accepted impostor pairs are closest: their mean. */
  readonly equal: number;
  /** For each false accept rate asked for: the largest share of genuine pairs accepted at a threshold within it. */
  readonly tar: readonly number[];
}

/**
 * NaN without genuine or impostor pairs. `weights`: how often each person counts; everybody once when absent. One pass,
 * because a bootstrap asks thousands of times.
 */
export function errorRates(set: ScoreSet, fars: readonly number[], weights?: Float64Array): ErrorRates {
  const { genuine, person, last, genuineOf, impostorOf } = set;
  const each = weights ?? new Float64Array(genuineOf.length).fill(1);
  let [allGenuine, allImpostor] = [0, 0];
  for (let i = 0; i < genuineOf.length; i++) {
    allGenuine += each[i]! * genuineOf[i]!;
    allImpostor += each[i]! * impostorOf[i]!;
  }
  if (allGenuine === 0 || allImpostor === 0) return { equal: Number.NaN, tar: fars.map(() => Number.NaN) };
  // A threshold that accepts nothing comes first: no genuine pair accepted, no impostor either.
  let [closest, equal] = [1, 0.5];
  const tar = fars.map(() => 0);
  // A hair above the limit is the limit: weights are sums of counts, but a rate is a quotient.
  const most = fars.map((far) => (far + 1e-12) * allImpostor);
  let [acceptedGenuine, acceptedImpostor] = [0, 0];
  for (let i = 0; i < genuine.length; i++) {
    if (genuine[i] === 1) acceptedGenuine += each[person[i]!]!;
    else acceptedImpostor += each[person[i]!]!;
    if (last[i] === 0) continue;
    const [refused, accepted] = [1 - acceptedGenuine / allGenuine, acceptedImpostor / allImpostor];
    const distance = Math.abs(refused - accepted);
    if (distance < closest) [closest, equal] = [distance, (refused + accepted) / 2];
    for (let k = 0; k < most.length; k++) {
      if (acceptedImpostor <= most[k]!) tar[k] = acceptedGenuine / allGenuine;
    }
  }
  return { equal, tar };
}
