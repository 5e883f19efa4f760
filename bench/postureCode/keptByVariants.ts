/**
 * What variants keep of their source, and whether they are where they were asked to be. Probes and centroids know real
 * embeddings only; probes learnt from people other than those of the variants.
 */
import type { Pose } from '../../src/shared/face.ts';
import { centroid, dot } from '../../src/shared/l2.ts';
import { fitProbe, type Probe } from './linearProbe.ts';
import type { Answer, Reading } from './personTally.ts';
import type { Expression, PostureFace } from './postureFace.ts';
import { balancedWeight, POSE_NAMES, POSES, type PoseName, smileTarget } from './readings.ts';

/** An embedding that claims to be a face of a person: unchanged, generated, or of a render. */
export interface Claim {
  readonly subjectId: string;
  /** The photograph it was made from. */
  readonly faceId: string;
  readonly expression: Expression | undefined;
  readonly embedding: Float32Array;
  /** Degrees that it should have. */
  readonly pose: Pose;
  /** Of the face that the posture code comes from, where it is known. */
  readonly donorExpression?: Expression | undefined;
}

export interface Judges {
  /** Whether the nearest centroid of photographs, among everybody's, is the claim's person. */
  readonly identity: (claims: readonly Claim[]) => Answer[];
  /** Whether the probe reads the source's expression off the claim; claims without one are left out. */
  readonly expression: (claims: readonly Claim[]) => Answer[];
  /** Pose that the probe reads, in degrees, against the one that was asked for. */
  readonly pose: (claims: readonly Claim[], name: PoseName) => Reading[];
}

/**
 * `teachers`: real faces of other people. `photographs`: everybody's; a claim's own photograph is left out of its
 * person's centroid, because a variant is near to what it was made from whoever that is.
 */
export function openJudges(
  teachers: readonly PostureFace[],
  photographs: readonly PostureFace[],
  seed: number,
): Judges {
  const smile = smileProbe(teachers, seed);
  const readPose = poseProbe(teachers, seed);
  const nearest = openCentroids(photographs);
  return {
    identity: (claims) =>
      claims.flatMap((claim): Answer[] => {
        const found = nearest(claim);
        if (found === undefined) return [];
        const { subjectId } = claim;
        return [{ subjectId, positive: true, right: found === subjectId }];
      }),
    expression: (claims) =>
      claims
        .filter(({ expression }) => expression !== undefined)
        .map(({ subjectId, expression, embedding }): Answer => {
          const positive = expression === 'smile';
          return { subjectId, positive, right: smile(embedding)[0]! > 0 === positive };
        }),
    pose: (claims, name) =>
      claims.map(
        ({ subjectId, pose, embedding }): Reading => ({
          subjectId,
          truth: POSES[name](pose),
          read: readPose(embedding)[POSE_NAMES.indexOf(name)]!,
        }),
      ),
  };
}

function smileProbe(teachers: readonly PostureFace[], seed: number): Probe {
  const labelled = teachers.filter(({ expression }) => expression !== undefined);
  const weight = balancedWeight(labelled);
  return fitProbe(
    labelled.map((face) => ({
      subjectId: face.subjectId,
      input: face.embedding,
      outputs: smileTarget(face),
      weight: weight(face),
    })),
    seed,
  );
}

function poseProbe(teachers: readonly PostureFace[], seed: number): Probe {
  return fitProbe(
    teachers.map(({ subjectId, embedding, pose }) => ({
      ...{ subjectId, input: embedding, weight: 1 },
      outputs: POSE_NAMES.map((name) => POSES[name](pose)),
    })),
    seed,
  );
}

/** Person of the nearest centroid; undefined when the claim's person has no other photograph. */
function openCentroids(photographs: readonly PostureFace[]): (claim: Claim) => string | undefined {
  const own = new Map<string, PostureFace[]>();
  for (const face of photographs) own.set(face.subjectId, [...(own.get(face.subjectId) ?? []), face]);
  const all = [...own].map(([subjectId, faces]) => ({
    subjectId,
    centre: centroid(faces.map(({ embedding }) => embedding)),
  }));
  const without = new Map(
    photographs.flatMap(({ subjectId, faceId }) => {
      const others = own.get(subjectId)!.filter((face) => face.faceId !== faceId);
      return others.length === 0 ? [] : [[faceId, centroid(others.map(({ embedding }) => embedding))]];
    }),
  );
  return ({ subjectId, faceId, embedding }) => {
    const centre = without.get(faceId);
    if (centre === undefined) return undefined;
    let best = { subjectId, similarity: dot(embedding, centre) };
    for (const other of all) {
      if (other.subjectId === subjectId) continue;
      const similarity = dot(embedding, other.centre);
      if (similarity > best.similarity) best = { subjectId: other.subjectId, similarity };
    }
    return best.subjectId;
  };
}
