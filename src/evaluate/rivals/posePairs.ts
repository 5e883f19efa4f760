/** What pair-trained methods learn from: two embeddings of one person, the second at another pose. */
import type { FaceClass } from '../people.ts';
import type { Trial } from '../trials.ts';

export interface PosePair {
  readonly subjectId: string;
  /** Unit length. */
  readonly source: Float32Array;
  readonly target: Float32Array;
  /** Of the target, degrees. */
  readonly yaw: number;
}

export function sourcesOf(pairs: readonly PosePair[]): Float32Array[] {
  return pairs.map(({ source }) => source);
}

/** Where a row's pairs come from. */
export interface PairSource {
  readonly id: 'real' | 'synthetic' | 'leaked';
  /** For the table. */
  readonly label: string;
  pairs(trial: Trial): readonly PosePair[];
}

/** Every enrolment photograph with every other photograph of the same person. */
function realPairs(people: readonly FaceClass[]): PosePair[] {
  return people.flatMap(({ subjectId, enrol, probes, between }) =>
    enrol.flatMap((source) =>
      [...between, ...probes].map((target) => ({
        subjectId,
        source: source.embedding,
        target: target.embedding,
        yaw: target.yaw,
      })),
    ),
  );
}

/** Pairs of the trial's training people, made once a trial. */
export const REAL_PAIRS: PairSource = {
  id: 'real',
  label: 'real pairs of the training folds',
  pairs: perTrial(({ training }) => realPairs(training)),
};

/** Test people and their probes included: what an evaluation must never do, to show what it looks like. */
export const LEAKED_PAIRS: PairSource = {
  id: 'leaked',
  label: 'real pairs, test people included',
  pairs: perTrial(({ training, test }) => realPairs([...training, ...test])),
};

export function syntheticPairs(pairs: readonly PosePair[]): PairSource {
  const people = new Set(pairs.map(({ subjectId }) => subjectId)).size;
  return { id: 'synthetic', label: `synthetic pairs of ${people} other people`, pairs: () => pairs };
}

function perTrial(make: (trial: Trial) => PosePair[]): (trial: Trial) => readonly PosePair[] {
  const made = new WeakMap<Trial, PosePair[]>();
  return (trial) => {
    const known = made.get(trial) ?? make(trial);
    made.set(trial, known);
    return known;
  };
}

/** What was learned from the same pairs before; synthetic pairs are the same in every trial. */
export function oncePerPairs<T>(learn: (pairs: readonly PosePair[]) => T): (pairs: readonly PosePair[]) => T {
  const learned = new WeakMap<readonly PosePair[], { readonly value: T }>();
  return (pairs) => {
    const known = learned.get(pairs) ?? { value: learn(pairs) };
    learned.set(pairs, known);
    return known.value;
  };
}
