/** The output tables: which columns, in which order, of which type. These constants are the schema; nothing else is. */
import type { RecordBatch } from 'apache-arrow';
import { LANDMARK_COUNT, POSTURE_DIM, type Rejection } from '../face.ts';
import type { LabelColumn, LabelType, LabelValue } from '../labels/labelColumns.ts';
import { type CellValue, ColumnBuilder } from './columnBuilder.ts';
import { columnOf } from './columnOf.ts';
import type { ColumnarTable, ColumnSpec, ScalarType, VectorType } from './columns.ts';

/** Raised when a column is added, removed or changes its meaning. */
export const TABLE_SCHEMA_VERSION = 1;

/** What a run decides about its embedding tables. */
export interface EmbeddingShape {
  /** Values of an embedding, D. */
  readonly dim: number;
  readonly embeddingType: VectorType;
  readonly withLandmarks: boolean;
  readonly withPostureCode: boolean;
  /** Labels of the corpus, in the order in which rows carry their values. */
  readonly labelColumns: readonly LabelColumn[];
}

/** data/: one row an embedding, real or augmented. */
export const EMBEDDING_COLUMNS = [
  /** Unique in the whole output. */
  { name: 'face_id', type: 'utf8', nullable: false },
  { name: 'subject_id', type: 'utf8', nullable: false },
  /** 'real' | 'augmented'. */
  { name: 'kind', type: 'utf8', nullable: false },
  /** 0-based number of the variant within its subject; null for real rows. */
  { name: 'variant', type: 'int32', nullable: true },
  /** The real face a variant was generated from; null for real rows. */
  { name: 'source_face_id', type: 'utf8', nullable: true },
  /** Entry of the posture bank a variant was generated for; null for real rows. */
  { name: 'posture_id', type: 'utf8', nullable: true },
  /** Degrees: measured for real rows, asked for in augmented rows. */
  { name: 'yaw', type: 'float32', nullable: true },
  { name: 'pitch', type: 'float32', nullable: true },
  { name: 'roll', type: 'float32', nullable: true },
  /** 0–1; null for augmented rows. */
  { name: 'detection_score', type: 'float32', nullable: true },
  /** Cosine similarity to the centroid of the subject's real embeddings, −1…1. */
  { name: 'similarity', type: 'float32', nullable: true },
  /** Faces the detector found in the photograph; null for augmented rows. */
  { name: 'faces_found', type: 'int32', nullable: true },
] as const satisfies readonly ColumnSpec[];

/** rejects/: one row a rejected face. */
export const REJECT_COLUMNS = [
  { name: 'face_id', type: 'utf8', nullable: false },
  { name: 'subject_id', type: 'utf8', nullable: false },
  { name: 'uri', type: 'utf8', nullable: false },
  { name: 'stage', type: 'utf8', nullable: false },
  { name: 'code', type: 'utf8', nullable: false },
  { name: 'message', type: 'utf8', nullable: false },
] as const satisfies readonly ColumnSpec[];

/** subjects/ and subjects.parquet: one row a person of the listing. */
export const SUBJECT_COLUMNS = [
  { name: 'subject_id', type: 'utf8', nullable: false },
  /** 0-based position of the person in the listing: the label to train on. */
  { name: 'class_index', type: 'int64', nullable: false },
  /** Real embeddings, rejected photographs, variants kept, variants below the similarity gate. */
  { name: 'faces', type: 'int32', nullable: false },
  { name: 'rejects', type: 'int32', nullable: false },
  { name: 'variants', type: 'int32', nullable: false },
  { name: 'variants_rejected', type: 'int32', nullable: false },
  /**
   * Share of the pose bins that hold a face, 0–1, without and with the variants: of those that the posture bank
   * reaches, of all in a run without one. 0 where no poses are measured.
   */
  { name: 'pose_coverage_before', type: 'float32', nullable: false },
  { name: 'pose_coverage_after', type: 'float32', nullable: false },
] as const satisfies readonly ColumnSpec[];

export interface EmbeddingRow {
  readonly faceId: string;
  readonly subjectId: string;
  readonly kind: 'real' | 'augmented';
  readonly variant: number | null;
  readonly sourceFaceId: string | null;
  readonly postureId: string | null;
  readonly yaw: number | null;
  readonly pitch: number | null;
  readonly roll: number | null;
  readonly detectionScore: number | null;
  readonly similarity: number | null;
  readonly facesFound: number | null;
  /** One value for each label column; absent in augmented rows, whose labels are null: they are no photographs. */
  readonly labels?: readonly LabelValue[] | undefined;
  /** D values, unit length. Copied. */
  readonly embedding: Float32Array;
  /** 136 values in crop pixels; used when the table has the column. */
  readonly landmarks?: Float32Array | null;
  /** 512 values; used when the table has the column. */
  readonly postureCode?: Float32Array | null;
}

export interface RejectRow extends Rejection {
  readonly faceId: string;
  readonly subjectId: string;
  readonly uri: string;
}

export interface SubjectRow {
  readonly subjectId: string;
  readonly classIndex: number;
  readonly faces: number;
  readonly rejects: number;
  readonly variants: number;
  readonly variantsRejected: number;
  readonly poseCoverageBefore: number;
  readonly poseCoverageAfter: number;
}

/** A table being filled. */
export interface TableRows<Row> {
  /** Rows so far. */
  readonly length: number;
  add(row: Row): void;
  /** The table's columns; the rows must not be used afterwards. */
  finish(): ColumnarTable;
}

const LABEL_STORAGE: Readonly<Record<LabelType, 'utf8' | ScalarType>> = {
  string: 'utf8',
  integer: 'int64',
  number: 'float64',
};

/** The columns of an embedding table of this shape, in file order. */
export function embeddingColumns(shape: EmbeddingShape): ColumnSpec[] {
  const columns: ColumnSpec[] = [...EMBEDDING_COLUMNS];
  for (const { name, type } of shape.labelColumns) {
    columns.push({ name, type: LABEL_STORAGE[type], nullable: true });
  }
  columns.push({
    name: 'embedding',
    type: { vector: shape.embeddingType, size: shape.dim },
    nullable: false,
  });
  if (shape.withLandmarks) {
    columns.push({
      name: 'landmarks',
      type: { vector: 'float32', size: LANDMARK_COUNT * 2 },
      nullable: true,
    });
  }
  if (shape.withPostureCode) {
    columns.push({ name: 'posture_code', type: { vector: 'float32', size: POSTURE_DIM }, nullable: true });
  }
  return columns;
}

/** Where rows lie while they are collected. */
export interface RowMemory {
  /** At most so many, as far as is known: more may come, and are moved once more. */
  readonly expectedRows?: number | undefined;
  /**
   * Vectors lie in memory that threads share: what an Arrow file is made of without a copy, hashed and written at once.
   * Both threads keep it until they look for garbage; a Parquet file is made from memory that is handed over and freed.
   */
  readonly shared?: boolean;
}

export function embeddingRows(shape: EmbeddingShape, memory: RowMemory = {}): TableRows<EmbeddingRow> {
  const cells = (row: EmbeddingRow): CellValue[] => {
    const values: CellValue[] = [
      row.faceId,
      row.subjectId,
      row.kind,
      row.variant,
      row.sourceFaceId,
      row.postureId,
      row.yaw,
      row.pitch,
      row.roll,
      row.detectionScore,
      row.similarity,
      row.facesFound,
    ];
    for (let i = 0; i < shape.labelColumns.length; i++) values.push(row.labels?.[i] ?? null);
    values.push(row.embedding);
    if (shape.withLandmarks) values.push(row.landmarks ?? null);
    if (shape.withPostureCode) values.push(row.postureCode ?? null);
    return values;
  };
  return tableRows(embeddingColumns(shape), cells, memory);
}

export function rejectRows(): TableRows<RejectRow> {
  return tableRows(REJECT_COLUMNS, (row) => [
    row.faceId,
    row.subjectId,
    row.uri,
    row.stage,
    row.code,
    row.message,
  ]);
}

export function subjectRows(): TableRows<SubjectRow> {
  return tableRows(SUBJECT_COLUMNS, (row) => [
    row.subjectId,
    row.classIndex,
    row.faces,
    row.rejects,
    row.variants,
    row.variantsRejected,
    row.poseCoverageBefore,
    row.poseCoverageAfter,
  ]);
}

/** The rows of one batch of a subjects table. */
export function* readSubjectRows(batch: RecordBatch): Iterable<SubjectRow> {
  const columns = SUBJECT_COLUMNS.map(({ name }) => columnOf(batch, name));
  for (let i = 0; i < batch.numRows; i++) {
    const [subjectId, ...numbers] = columns.map((column) => column?.get(i));
    const [
      classIndex = 0,
      faces = 0,
      rejects = 0,
      variants = 0,
      variantsRejected = 0,
      before = 0,
      after = 0,
    ] = numbers.map(Number);
    yield {
      subjectId: String(subjectId),
      classIndex,
      faces,
      rejects,
      variants,
      variantsRejected,
      poseCoverageBefore: before,
      poseCoverageAfter: after,
    };
  }
}

function tableRows<Row>(
  specs: readonly ColumnSpec[],
  cells: (row: Row) => CellValue[],
  memory: RowMemory = {},
): TableRows<Row> {
  const builders = specs.map((spec) => new ColumnBuilder(spec, memory));
  let length = 0;
  return {
    get length() {
      return length;
    },
    add(row) {
      const values = cells(row);
      builders.forEach((builder, i) => {
        builder.add(values[i] as CellValue);
      });
      length++;
    },
    finish: () => ({ rows: length, columns: builders.map((builder) => builder.finish()) }),
  };
}
