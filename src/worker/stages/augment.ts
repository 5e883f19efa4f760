/**
 * Generates the variants of subjects: chosen postures through the combiner, then the similarity gate.
 * Method: FRA (arXiv 2301.11986), section 3.3: (identity embedding, posture code) → embedding at that posture.
 */
import { type EmbeddedFace, type FaceId, POSTURE_DIM, type Pose, type SubjectId } from '../../shared/face.ts';
import { centroid, dot } from '../../shared/l2.ts';
import { variantFaceId } from '../../shared/variantFaceId.ts';
import { createLoopYield } from '../loopYield.ts';
import { type BinnedTargets, chooseVariants, type PosePolicy, type VariantChoice } from './chooseVariants.ts';

/** What the run has of a subject at other places. */
export interface EarlierSubject {
  /** Sum of the real embeddings, D values; undefined when there is none. */
  readonly sum: Float32Array | undefined;
  readonly real: readonly Pick<Pose, 'yaw' | 'pitch'>[];
  readonly variants: readonly Pick<Pose, 'yaw' | 'pitch'>[];
  /** A shard that is not done yet may make all variants of the subject: none is made now. */
  readonly variantsElsewhere: boolean;
  /** Number of the first variant that is made now. */
  readonly firstVariant: number;
}

/** A subject with the faces that were usable, in listing order. */
export interface SubjectFaces {
  readonly subjectId: SubjectId;
  /** Absent: nothing. */
  readonly earlier?: EarlierSubject;
  readonly faces: readonly { readonly faceId: FaceId; readonly face: EmbeddedFace }[];
}

/** The target postures of a FRA model. */
export interface PostureTargets {
  readonly ids: readonly string[];
  /** n × 512. */
  readonly codes: Float32Array;
  readonly yaw: Float32Array;
  readonly pitch: Float32Array;
  readonly roll: Float32Array;
  readonly bins: BinnedTargets;
}

export interface AugmentOptions {
  readonly variants: number;
  readonly policy: PosePolicy;
  readonly seed: number;
  /** Variants below this cosine similarity to the subject's centroid are dropped. */
  readonly minSimilarity: number;
}

/** A person's embedding, and the posture at which it is wanted. */
export interface CombinePair {
  /** D values. Pairs of one photograph name the same array, so that it is sent to the models once. */
  readonly identity: Float32Array;
  /** Index into the posture bank. */
  readonly posture: number;
}

/** Pairs → an embedding of unit length for each, D values. */
export type Combine = (pairs: readonly CombinePair[]) => Promise<Float32Array[]>;

export interface Variant {
  readonly faceId: FaceId;
  readonly variant: number;
  readonly sourceFaceId: FaceId;
  readonly postureId: string;
  readonly pose: Pose;
  readonly similarity: number;
  readonly embedding: Float32Array;
  readonly postureCode: Float32Array;
}

export interface AugmentedSubject extends SubjectFaces {
  /** Mean direction of the subject's real embeddings, earlier ones included. */
  readonly centroid: Float32Array;
  readonly variants: readonly Variant[];
  /** Variants that fell below the gate, or were not finite. */
  readonly variantsRejected: number;
}

/** Augments several subjects with one call of the combiner. */
export async function augment(
  subjects: readonly SubjectFaces[],
  targets: PostureTargets,
  options: AugmentOptions,
  combine: Combine,
): Promise<AugmentedSubject[]> {
  const loop = createLoopYield();
  const choices: VariantChoice[][] = [];
  for (const { subjectId, faces, earlier } of subjects) {
    const request = {
      subjectId,
      faces: faces.map(({ face }) => measuredPose(face)),
      targets: targets.bins,
      // Nobody has more variants than were asked for, however often photographs come.
      count: earlier?.variantsElsewhere ? 0 : Math.max(0, options.variants - (earlier?.variants.length ?? 0)),
      ...(earlier && {
        earlier: { poses: [...earlier.real, ...earlier.variants], firstVariant: earlier.firstVariant },
      }),
      policy: options.policy,
      seed: options.seed,
    };
    choices.push(await chooseVariants(request, loop));
  }
  const pairs = subjects.flatMap(({ faces }, i) =>
    choices[i]!.map(({ source, posture }) => ({ identity: faces[source]!.face.embedding, posture })),
  );
  const generated = pairs.length === 0 ? [] : await combine(pairs);
  const augmented: AugmentedSubject[] = [];
  let next = 0;
  for (const [i, subject] of subjects.entries()) {
    const centre = subjectCentroid(subject);
    const variants: Variant[] = [];
    for (const choice of choices[i]!) {
      const variant = describe(subject, choice, targets, generated[next++]!, centre);
      // Written so that a similarity of NaN fails it.
      if (variant.similarity >= options.minSimilarity) variants.push(variant);
      if (loop.isDue()) await loop.yield();
    }
    const variantsRejected = choices[i]!.length - variants.length;
    augmented.push({ ...subject, centroid: centre, variants, variantsRejected });
  }
  return augmented;
}

function measuredPose({ pose }: EmbeddedFace): Pose {
  if (pose === undefined) throw new Error('variants are chosen by the poses of the photographs');
  return pose;
}

/** Of all real embeddings that there are of a subject. */
export function subjectCentroid({ faces, earlier }: SubjectFaces): Float32Array {
  return centroid(
    faces.map(({ face }) => face.embedding),
    earlier?.sum,
  );
}

function describe(
  subject: SubjectFaces,
  { variant, source, posture }: VariantChoice,
  targets: PostureTargets,
  embedding: Float32Array,
  centre: Float32Array,
): Variant {
  return {
    faceId: variantFaceId(subject.subjectId, variant),
    variant,
    sourceFaceId: subject.faces[source]!.faceId,
    postureId: targets.ids[posture]!,
    pose: { yaw: targets.yaw[posture]!, pitch: targets.pitch[posture]!, roll: targets.roll[posture]! },
    similarity: dot(embedding, centre),
    embedding,
    postureCode: postureCode(targets, posture),
  };
}

function postureCode(targets: PostureTargets, posture: number): Float32Array {
  return targets.codes.subarray(posture * POSTURE_DIM, (posture + 1) * POSTURE_DIM);
}
