/**
 * Training samples: what the face pipeline said about photographs and renders. Kept as one Arrow file, so that a
 * second training of the same corpus does not collect again.
 */
import { readFile, stat } from 'node:fs/promises';
import {
  Field,
  FixedSizeList,
  Float32,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { ConfigError } from '../shared/errors.ts';
import { LANDMARK_COUNT, type Landmarks68, type Pose } from '../shared/face.ts';
import { writeWhole } from '../shared/files/writeWhole.ts';
import { columnOf, textsOf } from '../shared/table/columnOf.ts';

export interface TrainingSample {
  readonly subjectId: string;
  /** For somebody who does not exist: the people they are made of. Empty for real people. */
  readonly origin: readonly string[];
  /** The photograph it is, or was rendered from. */
  readonly faceId: string;
  /** Position in POSE_GRID of a render; −1: the photograph itself, or what stands for one of an invented person. */
  readonly gridIndex: number;
  /** As measured by the pose network. */
  readonly pose: Pose;
  readonly landmarks: Landmarks68;
  /** Unit length. */
  readonly embedding: Float32Array;
}

const ORIGIN_TYPE = new List(new Field('item', new Utf8(), false));

/** Writes samples; `key` says what they were made from. */
export async function writeSamples(
  path: string,
  key: string,
  samples: readonly TrainingSample[],
): Promise<void> {
  const embedDim = samples[0]?.embedding.length ?? 1;
  const list = (width: number) => new FixedSizeList(width, new Field('item', new Float32(), false));
  const landmarksType = list(2 * LANDMARK_COUNT);
  const embeddingType = list(embedDim);
  const schema = new Schema(
    [
      new Field('subject_id', new Utf8(), false),
      new Field('origin', ORIGIN_TYPE, false),
      new Field('face_id', new Utf8(), false),
      new Field('grid_index', new Int32(), false),
      new Field('pose', list(3), false),
      new Field('landmarks', landmarksType, false),
      new Field('embedding', embeddingType, false),
    ],
    new Map([['key', key]]),
  );
  const length = samples.length;
  const rows = (type: FixedSizeList<Float32>, value: (sample: TrainingSample) => ArrayLike<number>) => {
    const data = new Float32Array(length * type.listSize);
    samples.forEach((sample, i) => {
      data.set(value(sample), i * type.listSize);
    });
    return makeData({ type, length, child: makeData({ type: new Float32(), data }) });
  };
  const text = (value: (sample: TrainingSample) => string) =>
    vectorFromArray(samples.map(value), new Utf8()).data[0]!;
  const children = [
    text((sample) => sample.subjectId),
    vectorFromArray(
      samples.map(({ origin }) => [...origin]),
      ORIGIN_TYPE,
    ).data[0]!,
    text((sample) => sample.faceId),
    makeData({ type: new Int32(), data: Int32Array.from(samples, (sample) => sample.gridIndex) }),
    rows(list(3), ({ pose }) => [pose.yaw, pose.pitch, pose.roll]),
    rows(landmarksType, (sample) => sample.landmarks),
    rows(embeddingType, (sample) => sample.embedding),
  ];
  const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, children }));
  await writeWhole(path, tableToIPC(new Table(schema, [batch]), 'file'));
}

/**
 * The samples of a file that was made from the same things; undefined when there is none.
 *
 * @throws ConfigError when something else than a file is there.
 */
export async function readSamples(path: string, key: string): Promise<TrainingSample[] | undefined> {
  await refuseEndless(path);
  let table: Table;
  try {
    table = tableFromIPC(await readFile(path));
  } catch {
    // Not there, or not whole: it is only a cache.
    return undefined;
  }
  return table.schema.metadata.get('key') === key ? samplesOf(table) : undefined;
}

/**
 * The samples of a file, whatever they were made from; undefined when the table in it is another.
 *
 * @throws when the file is not there, no Arrow file, or of a version with other columns.
 */
export async function readAnySamples(path: string): Promise<TrainingSample[] | undefined> {
  await refuseEndless(path);
  const table = tableFromIPC(await readFile(path));
  return table.schema.metadata.has('key') ? samplesOf(table) : undefined;
}

/** A device or a pipe may never end, and would be read into memory. */
async function refuseEndless(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return;
  throw new ConfigError('bad-samples', 'samples: expected a file, found something else', { path });
}

function samplesOf(table: Table): TrainingSample[] {
  const column = (name: string) => table.getChild(name)!;
  const floats = (name: string, row: number) =>
    Float32Array.from((column(name).get(row) as { toArray(): Float32Array }).toArray());
  const [subjectIds, faceIds] = [columnOf(table, 'subject_id')!, columnOf(table, 'face_id')!];
  return Array.from({ length: table.numRows }, (_, row) => {
    const [yaw, pitch, roll] = floats('pose', row) as unknown as [number, number, number];
    return {
      subjectId: String(subjectIds.get(row)),
      origin: textsOf(column('origin').get(row) as Vector),
      faceId: String(faceIds.get(row)),
      gridIndex: Number(column('grid_index').get(row)),
      pose: { yaw, pitch, roll },
      landmarks: floats('landmarks', row),
      embedding: floats('embedding', row),
    };
  });
}
