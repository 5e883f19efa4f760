/** Pose and expression read off faces by probes that learnt from other people. */
import type { Pose } from '../../src/shared/face.ts';
import { dealPeople, fitProbe, type ProbeRow } from './linearProbe.ts';
import type { Answer, Reading } from './personTally.ts';
import { FEATURES, type Feature, type PostureFace } from './postureFace.ts';

export const FOLDS = 5;

/** What a probe says of every face, from people of other folds only. */
function crossRead(
  faces: readonly PostureFace[],
  feature: Feature,
  outputs: (face: PostureFace) => readonly number[],
  weight: (face: PostureFace) => number,
  seed: number,
): Float64Array[] {
  const rows = faces.map(
    (face): ProbeRow => ({
      subjectId: face.subjectId,
      input: FEATURES[feature](face),
      outputs: outputs(face),
      weight: weight(face),
    }),
  );
  const folds = dealPeople(
    faces.map(({ subjectId }) => subjectId),
    FOLDS,
    seed,
  );
  const read = new Array<Float64Array>(faces.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const probe = fitProbe(
      rows.filter(({ subjectId }) => folds.get(subjectId) !== fold),
      seed,
    );
    rows.forEach(({ subjectId, input }, i) => {
      if (folds.get(subjectId) === fold) read[i] = probe(input);
    });
  }
  return read;
}

/** Poses in degrees. `turn` is the unsigned yaw: how far, whichever way. */
export const POSES = {
  yaw: ({ yaw }) => yaw,
  turn: ({ yaw }) => Math.abs(yaw),
  pitch: ({ pitch }) => pitch,
} as const satisfies Record<string, (pose: Pose) => number>;
export type PoseName = keyof typeof POSES;
export const POSE_NAMES = Object.keys(POSES) as PoseName[];

/** Read poses against the pose network's. */
export function readPoses(
  faces: readonly PostureFace[],
  feature: Feature,
  seed: number,
): Record<PoseName, Reading[]> {
  const read = crossRead(
    faces,
    feature,
    ({ pose }) => POSE_NAMES.map((name) => POSES[name](pose)),
    () => 1,
    seed,
  );
  const of = (name: PoseName) =>
    faces.map(
      ({ subjectId, pose }, i): Reading => ({
        subjectId,
        truth: POSES[name](pose),
        read: read[i]![POSE_NAMES.indexOf(name)]!,
      }),
    );
  return { yaw: of('yaw'), turn: of('turn'), pitch: of('pitch') };
}

/** Smiling or not; faces without a label are left out. */
export function readExpressions(all: readonly PostureFace[], feature: Feature, seed: number): Answer[] {
  const faces = all.filter(({ expression }) => expression !== undefined);
  const read = crossRead(faces, feature, smileTarget, balancedWeight(faces), seed);
  return faces.map(({ subjectId, expression }, i): Answer => {
    const positive = expression === 'smile';
    return { subjectId, positive, right: read[i]![0]! > 0 === positive };
  });
}

/** 1 smiling, −1 neutral. */
export function smileTarget({ expression }: Pick<PostureFace, 'expression'>): readonly number[] {
  return [expression === 'smile' ? 1 : -1];
}

/** Both expressions count the same in total. */
export function balancedWeight(
  faces: readonly Pick<PostureFace, 'expression'>[],
): (face: Pick<PostureFace, 'expression'>) => number {
  const smiling = faces.filter(({ expression }) => expression === 'smile').length;
  return ({ expression }) =>
    faces.length / (2 * Math.max(1, expression === 'smile' ? smiling : faces.length - smiling));
}
