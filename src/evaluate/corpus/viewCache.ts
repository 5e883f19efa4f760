/** Embedded views of one recogniser as an Arrow file in DIR/work, so that a second evaluation only compares. */
import { readFile } from 'node:fs/promises';
import {
  Field,
  FixedSizeList,
  Float32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { LANDMARK_COUNT, type Stage } from '../../shared/face.ts';
import { writeWhole } from '../../shared/files/writeWhole.ts';
import type { ViewOutcome } from './faceView.ts';

/** View key → outcome. */
export type ViewCache = Map<string, ViewOutcome>;

/** The views of a file that was made by the same models and code (`key`); empty when there is none. */
export async function readViewCache(path: string, key: string): Promise<ViewCache> {
  const cache: ViewCache = new Map();
  let table: Table;
  try {
    table = tableFromIPC(await readFile(path));
  } catch {
    // Not there, or not whole: it is only a cache.
    return cache;
  }
  if (table.schema.metadata.get('key') !== key) return cache;
  const column = (name: string) => table.getChild(name)!;
  const text = (name: string, row: number) => String(column(name).get(row));
  const floats = (name: string, row: number) =>
    Float32Array.from((column(name).get(row) as { toArray(): Float32Array }).toArray());
  for (let row = 0; row < table.numRows; row++) {
    const stage = text('stage', row);
    if (stage !== '') {
      const rejection = { stage: stage as Stage, code: text('code', row), message: text('message', row) };
      cache.set(text('view', row), { status: 'rejected', rejection });
      continue;
    }
    const [yaw, pitch, roll] = floats('pose', row) as unknown as [number, number, number];
    cache.set(text('view', row), {
      status: 'ok',
      view: {
        pose: { yaw, pitch, roll },
        cropHash: text('crop_hash', row),
        landmarks: floats('landmarks', row),
        embedding: floats('embedding', row),
      },
    });
  }
  return cache;
}

export async function writeViewCache(
  path: string,
  key: string,
  embedDim: number,
  cache: ViewCache,
): Promise<void> {
  const entries = [...cache];
  const length = entries.length;
  const list = (width: number) => new FixedSizeList(width, new Field('item', new Float32(), false));
  const [poseType, landmarksType, embeddingType] = [list(3), list(2 * LANDMARK_COUNT), list(embedDim)];
  const schema = new Schema(
    [
      ...['view', 'stage', 'code', 'message', 'crop_hash'].map((name) => new Field(name, new Utf8(), false)),
      new Field('pose', poseType, false),
      new Field('landmarks', landmarksType, false),
      new Field('embedding', embeddingType, false),
    ],
    new Map([['key', key]]),
  );
  const text = (value: (entry: [string, ViewOutcome]) => string) =>
    vectorFromArray(entries.map(value), new Utf8()).data[0]!;
  const rejected = (name: 'stage' | 'code' | 'message') =>
    text(([, outcome]) => (outcome.status === 'rejected' ? outcome.rejection[name] : ''));
  const rows = (type: FixedSizeList<Float32>, value: (outcome: ViewOutcome) => ArrayLike<number>) => {
    const data = new Float32Array(length * type.listSize);
    entries.forEach(([, outcome], i) => {
      data.set(value(outcome), i * type.listSize);
    });
    return makeData({ type, length, child: makeData({ type: new Float32(), data }) });
  };
  const children = [
    text(([view]) => view),
    rejected('stage'),
    rejected('code'),
    rejected('message'),
    text(([, outcome]) => (outcome.status === 'ok' ? outcome.view.cropHash : '')),
    rows(poseType, (outcome) => {
      if (outcome.status === 'rejected') return [];
      const { yaw, pitch, roll } = outcome.view.pose;
      return [yaw, pitch, roll];
    }),
    rows(landmarksType, (outcome) => (outcome.status === 'ok' ? outcome.view.landmarks : [])),
    rows(embeddingType, (outcome) => (outcome.status === 'ok' ? outcome.view.embedding : [])),
  ];
  const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, children }));
  await writeWhole(path, tableToIPC(new Table(schema, [batch]), 'file'));
}
