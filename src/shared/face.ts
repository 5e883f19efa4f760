/**
 * Glossary. These words and no synonyms, everywhere in the code and the documents.
 *
 * - corpus: face photographs grouped by subject, read through a corpus reader.
 * - subject: one person. `SubjectId` is the corpus's own name for them.
 * - face: one photograph of one subject (the chosen face in it). `FaceId` is unique in a run.
 * - run: one corpus expanded into one store with one configuration; run.json names it.
 * - listing: the planned corpus as Parquet, one row a face, sorted by subject.
 * - part: one Parquet file of a listing.
 * - shard: a row range of the listing; the unit of work, of retry and of output. Never splits a subject.
 * - plan: the listing and its shards, complete before the first of them is done.
 * - generation: what was added to a run after it was planned: photographs (append), or shards to be done again (retry).
 * - place: a shard's position in the plans of a run laid end to end; whichever shard counts there, it never changes.
 *   Where an image lies in an object is its location.
 * - worker: a process that does shards.
 * - attempt: one try of a worker at a shard, with an id that the files it writes carry.
 * - stage: a step that every face passes, one of `STAGES`; of a training or an evaluation, a part of its work that is
 *   told as it begins.
 * - label: what a corpus says of a photograph beside whose it is; a value in a label column.
 * - crop: the aligned 112×112 RGB picture of a face.
 * - landmarks: 68 points in 300-W order. Landmark image: their binary drawing.
 * - posture code: the autoencoder's 512 values for a landmark image.
 * - pose: yaw, pitch and roll in degrees.
 * - posture bank: posture codes with their poses, from training subjects only; targets of generation.
 * - identity embedding: the recogniser's output for a crop, L2-normalised.
 * - variant: a generated embedding of a subject at a target posture (`kind` = 'augmented').
 * - gate: the similarity gate, a cosine to the centroid of the subject's real embeddings below which a variant is
 *   dropped. In a network: a learnt factor, of how much passes.
 * - enrolment: of an evaluation, the photographs that a subject is known by.
 * - probe: of an evaluation, a photograph whose subject is asked for. Elsewhere a trial whose result is thrown away: of
 *   a store, of a batch size, of how fast a run would be.
 * - distractor: of an evaluation, a subject who is enrolled and never asked for.
 * - rejection: a face that could not be used, with stage, code and message; a row, never an exception.
 * - commit: the record, put if absent, that makes one attempt of a shard the shard's result.
 * - manifest: manifest.json, written when every shard is committed: the files that make up the output.
 */

import type { LabelValue } from './labels/labelColumns.ts';

export type SubjectId = string;
export type FaceId = string;

/** One photograph of the corpus, as a reader yields it. */
export interface FaceRecord {
  /** Unique in the corpus. For a folder corpus: the path relative to the corpus root. */
  readonly faceId: FaceId;
  readonly subjectId: SubjectId;
  /** Path of the object that holds the image, relative to the image root, '/'-separated, never leaving it. */
  readonly uri: string;
  /** Size of the image in bytes where the reader knows it for free, else 0. Exact when there is an offset. */
  readonly bytes: number;
  /** Where the image starts within its object, in bytes: a member of an archive. Absent: the object is the image. */
  readonly offset?: number;
  /** Which row of its table holds the image, from 0. Absent: the image is in no table. */
  readonly row?: number;
  /** One value for each of the run's label columns, in their order; absent where the run has none. */
  readonly labels?: readonly LabelValue[];
}

/** Side of an aligned crop in pixels (the ArcFace template). */
export const CROP_SIZE = 112;
/** Values of a posture code (paper, section 3.2: 512×1×1 bottleneck). */
export const POSTURE_DIM = 512;
/** Points of a landmark set, 300-W order. */
export const LANDMARK_COUNT = 68;

/** Aligned RGB picture, 112×112×3 interleaved, 0–255. Only the align stage makes one. */
export type FaceCrop = Uint8Array & { readonly __crop?: never };

/** 68 points as x0,y0,x1,y1… in crop pixels (0 = left/top edge), 300-W order. */
export type Landmarks68 = Float32Array & { readonly __landmarks68?: never };

/** Binary drawing of 68 landmarks, 112×112, row-major, values 0 or 1. */
export type LandmarkImage = Float32Array & { readonly __landmarkImage?: never };

/**
 * Head pose in degrees. Yaw > 0: the face turns towards the image's right edge. Pitch > 0: up. Roll > 0: the head
 * leans clockwise in the image. Mirroring the image negates yaw and roll.
 */
export interface Pose {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

/** A face's bytes on their way into the face pipeline. */
export interface FaceInput {
  readonly faceId: FaceId;
  readonly bytes: Uint8Array;
}

/** The stages that may reject a face, in the order in which it passes them. */
const STAGES = ['read', 'decode', 'detect', 'landmarks', 'align', 'embed', 'posture', 'augment'] as const;
export type Stage = (typeof STAGES)[number];

/** Why a face was not used. `code` is a short fixed word in kebab-case; `message` is for a person. */
export interface Rejection {
  readonly stage: Stage;
  readonly code: string;
  readonly message: string;
}

/** Whether a stage answered with a rejection: nothing else that a stage makes has these fields. */
export const isRejection = (value: object): value is Rejection => 'code' in value && 'stage' in value;

/** What is kept of a photograph. */
export interface EmbeddedFace {
  /** How many faces the detector's looks found in the photograph, see docs/accuracy.md (1 in aligned corpora). */
  readonly facesFound: number;
  /** Detector confidence of the chosen face, 0–1 (1 in aligned corpora). */
  readonly detectionScore: number;
  /** Absent when the pipeline was opened without a pose network. */
  readonly pose?: Pose;
  /**
   * Absent when the pipeline was opened without a landmark network: crops are there, and nothing else asks for them.
   */
  readonly landmarks?: Landmarks68;
  /** Unit length, D values. */
  readonly embedding: Float32Array;
  /** 512 values; absent when the pipeline was opened without a FRA encoder. */
  readonly postureCode?: Float32Array;
}

/** A face with the crop that was embedded. */
export interface CroppedFace extends EmbeddedFace {
  readonly crop: FaceCrop;
}

/** Everything the face pipeline finds out about one photograph. */
export interface ProcessedFace extends CroppedFace {
  readonly pose: Pose;
  readonly landmarks: Landmarks68;
}

export type FaceOutcome<Face extends EmbeddedFace = ProcessedFace> =
  | { readonly status: 'ok'; readonly face: Face }
  | { readonly status: 'rejected'; readonly rejection: Rejection };
