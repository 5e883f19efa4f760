/**
 * How fast each stage of a shard is alone: ready inputs, nothing else running, at its best batch. In a thread of its
 * own (`measureThread.ts`), as stages are in a run.
 */

import { createReleasers, type Releasers } from '../../shared/async/releasers.ts';
import { isRejection, POSTURE_DIM, type Rejection } from '../../shared/face.ts';
import { drawLandmarkImage } from '../../shared/landmarkImage.ts';
import { seededRandom } from '../../shared/random.ts';
import { bodySha256 } from '../../shared/store/objectBody.ts';
import { type EncodeOptions, encodeTable } from '../../shared/table/encodeTable.ts';
import { tableMetadata } from '../../shared/table/tableMetadata.ts';
import { type EmbeddingRow, embeddingRows } from '../../shared/table/tables.ts';
import type { BankCombiner } from '../models/bankCombiner.ts';
import { type FraNetworksOptions, openFraNetworks } from '../models/fraNetworks.ts';
import type { ModelSet } from '../models/openModels.ts';
import {
  openDetector,
  openLandmarks,
  openPose,
  openRecognizer,
  type PipelineModel,
} from '../models/openModels.ts';
import { openPictureMemory } from '../models/pictureMemory.ts';
import type { Raster } from '../models/raster.ts';
import type { SessionOptions } from '../models/session.ts';
import { type AlignedFace, alignFace, cropOf } from '../stages/align.ts';
import { decodeImage } from '../stages/decode.ts';
import { type ChosenFace, detectFaces } from '../stages/detect.ts';
import { faceOfCrop } from '../stages/detectCrop.ts';
import { embedCrops } from '../stages/embed.ts';
import { locateLandmarks } from '../stages/landmarks.ts';
import { measurePoses } from '../stages/pose.ts';
import { nothingUsable } from './nothingUsable.ts';
import { openStageMeter, type StageMeter, type StageRate } from './stageMeter.ts';

export interface MeasureOptions {
  readonly models: ModelSet;
  /** Absent: no variants. `encoderPath` absent: no posture codes of photographs. */
  readonly fra?: FraNetworksOptions;
  readonly session: SessionOptions;
  /** Photographs, or aligned crops; at least one must be usable. */
  readonly photographs: readonly Uint8Array[];
  /** The photographs are crops: nothing is detected or aligned. */
  readonly aligned: boolean;
  readonly format: EncodeOptions['format'];
  /** Each stage is repeated for this long, its batches taken together. */
  readonly secondsPerStage: number;
}

/** Items that a stage gets at a time; the fastest counts. */
const FACE_BATCHES = { cpu: [8, 16, 32], gpu: [32, 64] };
/** Room for the pictures of a batch and their levels. */
const MEASURED_BYTES = 256 * 2 ** 20;
const VARIANT_BATCHES = [128, 512];
const VARIANTS_OF_ONE = 5;
const TABLE_ROWS = [4_096];

/** The stages in the order of the pipeline. Photographs in which nothing is found only count for decode and detect. */
export async function measureStages(options: MeasureOptions): Promise<StageRate[]> {
  const { models, fra, session, aligned } = options;
  const faceBatches = FACE_BATCHES[session.device === 'cpu' ? 'cpu' : 'gpu'];
  const photographs = repeated(options.photographs, Math.max(...faceBatches));
  const releasers = createReleasers();
  const meter = openStageMeter(options.secondsPerStage);
  const measuring = { meter, releasers, faceBatches };
  try {
    const recognizer = await releasers.keep('network', openRecognizer(models.recognizer, session));

    // One after the other: what libjpeg-turbo does not decode is decoded on libuv's threads, and one core's cost is
    // asked for. Into the same memory every time, as in the pipeline: memory that is new costs as much as half of the
    // decoding.
    const memory = openPictureMemory(MEASURED_BYTES);
    await meter.measure('decode', photographs, 'faces', [1], async ([bytes]) => {
      memory.clear();
      await decodeImage(bytes!, memory);
      return [];
    });
    const decoded = await Promise.all(photographs.map((bytes) => decodeImage(bytes)));
    const pictures = decoded.filter(isUsable);
    const found = aligned
      ? pictures.map(faceOfCrop)
      : await releasers.keep('network', openDetector(models.detector, session)).then((detector) =>
          meter.measure('detect', pictures, 'faces', faceBatches, (batch) => {
            memory.clear();
            return detectFaces(
              detector,
              batch.map((picture) => ({ ...anew(picture), memory })),
            );
          }),
        );
    // The levels that the detector looked at are overwritten.
    const faces = found.filter(isUsable).map((face) => ({ ...face, picture: anew(face.picture) }));
    const usable: readonly CutFace[] =
      models.landmarks === undefined
        ? faces.map(({ picture }) => ({ crop: picture.data }))
        : await measureCutting(measuring, options, models.landmarks, faces);
    if (usable.length === 0) {
      const [first] = [...decoded, ...found].filter(isRejection);
      throw nothingUsable(first?.message);
    }
    const crops = usable.map(({ crop }) => crop);
    await meter.measure('embed', crops, 'faces', faceBatches, (batch) => embedCrops(recognizer, batch));
    if (fra !== undefined) {
      const { encoder, combiner } = await releasers.keep('network', openFraNetworks(fra, session));
      if (encoder !== undefined) {
        await meter.measure('posture', usable, 'faces', faceBatches, (batch) =>
          encoder.encode(batch.map(({ landmarks }) => drawLandmarkImage(landmarks!))),
        );
      }
      await measureCombining(meter, combiner, recognizer.embedDim, fra.postureCodes.length / POSTURE_DIM);
    }
    await measureTable(meter, options, recognizer.embedDim);
    return meter.rates();
  } finally {
    await releasers.release();
  }
}

/** With what a part of the stages is measured. */
interface Measuring {
  readonly meter: StageMeter;
  readonly releasers: Releasers;
  readonly faceBatches: readonly number[];
}

/** What lies between detection and embedding. */
async function measureCutting(
  { meter, releasers, faceBatches }: Measuring,
  { models, session, aligned }: MeasureOptions,
  landmarks: PipelineModel,
  faces: readonly ChosenFace[],
): Promise<AlignedFace[]> {
  const network = await releasers.keep('network', openLandmarks(landmarks, session));
  const located = await meter.measure('landmarks', faces, 'faces', faceBatches, (batch) =>
    locateLandmarks(network, batch),
  );
  if (models.pose !== undefined) {
    const pose = await releasers.keep('network', openPose(models.pose, session));
    await meter.measure('pose', located, 'faces', faceBatches, (batch) => measurePoses(pose, batch));
  }
  if (aligned) return located.map(cropOf);
  const cut = await meter.measure('align', located, 'faces', faceBatches, async (batch) =>
    batch.map(alignFace),
  );
  return cut.filter(isUsable);
}

/** At postures from all over the bank, so many of one photograph as ten variants of two photographs are. */
async function measureCombining(
  meter: StageMeter,
  combiner: BankCombiner,
  dim: number,
  bankSize: number,
): Promise<void> {
  const rows = Array.from({ length: Math.max(...VARIANT_BATCHES) }, (_, i) => i);
  const identities = new Float32Array(rows.length * dim).fill(dim ** -0.5);
  await meter.measure('combine', rows, 'variants', VARIANT_BATCHES, async (batch) => {
    const count = Math.ceil(batch.length / VARIANTS_OF_ONE);
    await combiner.combine({
      identities: identities.subarray(0, count * dim),
      dim,
      sources: Uint32Array.from(batch, (row) => Math.floor(row / VARIANTS_OF_ONE)),
      postures: Uint32Array.from(batch, (row) => row % bankSize),
    });
    return batch;
  });
}

async function measureTable(meter: StageMeter, { fra, format }: MeasureOptions, dim: number): Promise<void> {
  const random = seededRandom(1, 'bench-table');
  const embeddings = Array.from({ length: 256 }, () =>
    Float32Array.from({ length: dim }, () => random() - 0.5),
  );
  const postureCode = Float32Array.from({ length: POSTURE_DIM }, () => random() - 0.5);
  const rows = Array.from({ length: Math.max(...TABLE_ROWS) }, (_, i) => i);
  const metadata = tableMetadata({
    kind: 'embeddings',
    runId: 'bench',
    recognizer: 'bench',
    recognizerDigest: '',
  });
  await meter.measure('table', rows, 'rows', TABLE_ROWS, async (batch) => {
    const table = embeddingRows({
      dim,
      embeddingType: 'float32',
      withLandmarks: false,
      withPostureCode: fra?.encoderPath !== undefined,
      labelColumns: [],
    });
    for (const i of batch) table.add(variantRow(i, embeddings[i % embeddings.length]!, postureCode));
    bodySha256(await encodeTable(table.finish(), { format, metadata }));
    return batch;
  });
}

/** `landmarks` is absent where the networks for them are. */
type CutFace = Pick<AlignedFace, 'crop'> & Partial<AlignedFace>;

/** At least `count` items, in whole rounds. */
function repeated<T>(items: readonly T[], count: number): T[] {
  return Array.from({ length: Math.ceil(count / items.length) }, () => items).flat();
}

function variantRow(i: number, embedding: Float32Array, postureCode: Float32Array): EmbeddingRow {
  return {
    faceId: `person-${i}/photograph.jpg#variant-${i % 10}`,
    subjectId: `person-${i}`,
    kind: 'augmented',
    variant: i % 10,
    sourceFaceId: `person-${i}/photograph.jpg`,
    postureId: `posture-${i % 300}`,
    yaw: (i % 90) - 45,
    pitch: i % 20,
    roll: 0,
    detectionScore: null,
    similarity: 0.5,
    facesFound: null,
    embedding,
    postureCode,
  };
}

/** The picture without what earlier looks have left behind (`pyramid.ts`). */
function anew({ width, height, data }: Raster): Raster {
  return { width, height, data };
}

function isUsable<T extends object>(value: T): value is Exclude<T, Rejection> {
  return !isRejection(value);
}
