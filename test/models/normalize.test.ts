import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { flushTinyWeights, freeBatch, TINY_WEIGHT } from '../../src/models/normalize.ts';
import {
  decodeModel,
  encodeModel,
  float32Values,
  intsAttribute,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/models/onnx.ts';
import { prepareModel } from '../../src/models/prepare.ts';
import { ensureModels } from '../../src/models/pull.ts';
import { findModel, loadRegistry } from '../../src/models/registry.ts';
import { recognizerEntry, standInRecognizer } from './helpers.ts';

const SHARED_128 = '../shared/models/mobilefacenet/foamliu_MobileFaceNet.onnx';

const { files, preprocess: PREPROCESS } = recognizerEntry('file:/x', null);
const standInFile = files.model!;

async function openGraph(bytes: Uint8Array): Promise<InferenceSession> {
  return await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
}

test('flushing zeroes exactly the weights below 1e-12 and leaves every other bit alone', () => {
  const weight = fc.oneof(
    fc.float({ noNaN: true }),
    fc.float({ min: Math.fround(-1e-10), max: Math.fround(1e-10), noNaN: true }),
    fc.constantFrom(0, -0, 1e-45, -1.4e-40, Math.fround(9.99e-13), Math.fround(1.01e-12)),
  );
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 40 }), fc.boolean(), (weights, asList) => {
      const values = Float32Array.from(weights);
      const tensor = makeTensor('w', [values.length], values.slice());
      // Some exporters write values as a list instead of bytes.
      if (asList) Object.assign(tensor, { floatData: [...values], rawData: new Uint8Array() });
      const { graph } = makeModel({
        name: 'flush',
        inputs: [makeValueInfo('x', ['N', values.length])],
        outputs: [makeValueInfo('y', ['N', values.length])],
        nodes: [makeNode('Mul', ['x', 'w'], ['y'])],
        initializers: [tensor],
      });
      const flushed = flushTinyWeights(graph);
      const tiny = (value: number) => value !== 0 && Math.abs(value) < TINY_WEIGHT;
      assert.equal(flushed, values.filter(tiny).length);
      assert.deepEqual(
        float32Values(tensor),
        values.map((value) => (tiny(value) ? 0 : value)),
      );
      assert.equal(flushTinyWeights(graph), 0);
    }),
    { numRuns: 300 },
  );
});

test('a graph that flattens to [1,-1] gives one row a sample after normalisation, not one row for all', async () => {
  const source = standInRecognizer({ batch: 1, flattenTo: [1, -1] });
  const prepared = await prepareModel(source, standInFile, PREPROCESS);
  assert.equal(prepared.batch, 'free');
  assert.equal(prepared.flushedWeights, 2);
  assert.deepEqual(prepared.signature.inputs, [{ name: 'input.1', shape: ['N', 3, 112, 112] }]);
  assert.deepEqual(prepared.signature.outputs, [{ name: '683', shape: ['N', 512] }]);
  const session = await openGraph(prepared.bytes);
  const batch = new Tensor('float32', new Float32Array(5 * 3 * 112 * 112).fill(0.5), [5, 3, 112, 112]);
  const outputs = await session.run({ 'input.1': batch });
  assert.deepEqual(outputs['683']?.dims, [5, 512]);
  await session.release();
});

test('a graph whose batch cannot be freed keeps the one it declares and says so', async () => {
  const source = standInRecognizer({ batch: 1, hiddenShape: true });
  const prepared = await prepareModel(source, standInFile, PREPROCESS);
  assert.equal(prepared.batch, 'fixed');
  assert.deepEqual(prepared.signature.inputs[0]?.shape, [1, 3, 112, 112]);
  assert.equal(prepared.probe.singleDifference, 0);
});

/** Means of the channels, then `nodes` from `flat` to `rows`, then 512 values a row. */
function rowsGraph(
  batch: number | string,
  nodes: readonly OnnxNode[],
  constants: readonly OnnxTensor[] = [],
) {
  const weights = Float32Array.from({ length: 3 * 512 }, (_, i) => Math.sin(i));
  return encodeModel(
    makeModel({
      name: 'rows',
      inputs: [makeValueInfo('input', [batch, 3, 112, 112])],
      outputs: [makeValueInfo('embedding', [batch, 512])],
      nodes: [
        makeNode('GlobalAveragePool', ['input'], ['pooled']),
        makeNode('Flatten', ['pooled'], ['flat']),
        ...nodes,
        makeNode('MatMul', ['rows', 'weights'], ['embedding']),
      ],
      initializers: [makeTensor('weights', [3, 512], weights), ...constants],
    }),
  );
}

/** Each row less the mean of its batch. */
const centred = (rows: string) => [
  makeNode('ReduceMean', ['flat'], ['mean'], [intsAttribute('axes', [0])]),
  makeNode('Sub', ['flat', 'mean'], [rows]),
];
/** Each of four rows plus three constants: a batch that cannot be freed. */
const plus = (rows: string) => [makeNode('Add', [rows, 'places'], ['rows'])];
const places = (value: (i: number) => number) => [
  makeTensor(
    'places',
    [4, 3],
    Float32Array.from({ length: 12 }, (_, i) => value(i)),
  ),
];

test('a fixed batch is taken when a row depends neither on its place nor on its neighbours', async () => {
  const equal = rowsGraph(
    4,
    plus('flat'),
    places(() => 1),
  );
  const prepared = await prepareModel(equal, standInFile, PREPROCESS);
  assert.equal(prepared.batch, 'fixed');
  assert.deepEqual(prepared.signature.inputs[0]?.shape, [4, 3, 112, 112]);
  const byPlace = rowsGraph(
    4,
    plus('flat'),
    places((i) => i),
  );
  const byNeighbour = rowsGraph(
    4,
    [...centred('differences'), ...plus('differences')],
    places(() => 1),
  );
  for (const graph of [byPlace, byNeighbour]) {
    await assert.rejects(prepareModel(graph, standInFile, PREPROCESS), {
      code: 'probe-failed',
      message:
        /expected outputs that depend on their own sample alone, found others .*\[batch=4, difference=/,
    });
  }
});

test('a graph with a free batch whose rows influence one another runs one by one', async () => {
  const prepared = await prepareModel(rowsGraph('N', centred('rows')), standInFile, PREPROCESS);
  assert.equal(prepared.batch, 'fixed');
  assert.deepEqual(prepared.signature.inputs[0]?.shape, [1, 3, 112, 112]);
  const session = await openGraph(prepared.bytes);
  const two = new Tensor('float32', new Float32Array(2 * 3 * 112 * 112), [2, 3, 112, 112]);
  await assert.rejects(session.run({ input: two }));
  await session.release();
});

test('freeing the batch leaves a graph with a free batch as it was', () => {
  const model = decodeModel(standInRecognizer({ batch: 'None' }));
  const nodes = model.graph.node.length;
  freeBatch(model);
  assert.equal(model.graph.node.length, nodes);
  assert.deepEqual(decodeModel(encodeModel(model)).graph.node[1]?.input, ['pooled', 'target']);
});

test('outputs that only look right in the file are refused when a run gives other sizes', async () => {
  const source = decodeModel(standInRecognizer({ dim: 128 }));
  source.graph.output = [makeValueInfo('683', ['N', 'D'])];
  await assert.rejects(prepareModel(encodeModel(source), standInFile, PREPROCESS), {
    code: 'signature-mismatch',
    message: 'outputs do not fit the registry: expected any[N,512], found 683[1,128]',
  });
});

test('a graph that takes pictures of any size is tried with the size of the registry', async () => {
  const model = makeModel({
    name: 'any size',
    inputs: [makeValueInfo('input', ['batch', 3, 'height', 'width'])],
    outputs: [makeValueInfo('embedding', ['batch', 512])],
    nodes: [
      makeNode(
        'AveragePool',
        ['input'],
        ['means'],
        [intsAttribute('kernel_shape', [16, 16]), intsAttribute('strides', [16, 16])],
      ),
      makeNode('Flatten', ['means'], ['flat']),
      // 3 × 7 × 7 means: those of 112 × 112 pixels.
      makeNode('MatMul', ['flat', 'weights'], ['embedding']),
    ],
    initializers: [makeTensor('weights', [147, 512], new Float32Array(147 * 512).fill(0.1))],
  });
  const prepared = await prepareModel(encodeModel(model), standInFile, PREPROCESS);
  assert.equal(prepared.batch, 'free');
  assert.deepEqual(prepared.probe.outputShapes.get('embedding'), [1, 512]);
});

test('the default chain is normalised: any batch, no vanishing weight, the published graph’s outputs', async () => {
  const models = await ensureModels(['fr-detect', 'fr-landmark', 'fr-feature', 'fr-pose']);
  for (const model of models) {
    assert.equal(model.batch, 'free', model.name);
    const { graph } = decodeModel(readFileSync(model.files.model ?? ''));
    assert.equal(flushTinyWeights(graph), 0, model.name);
  }
});

test('the 128-value MobileFaceNet gives a row a sample and the values of single runs', {
  skip: existsSync(SHARED_128) ? false : `${SHARED_128} is not here`,
}, async () => {
  const { files, preprocess } = findModel(await loadRegistry(''), 'foamliu-128');
  assert.ok(files.model);
  const prepared = await prepareModel(readFileSync(SHARED_128), files.model, preprocess);
  assert.equal(prepared.batch, 'free');
  assert.ok(prepared.probe.singleDifference <= 1e-5 && prepared.probe.batchDifference <= 1e-5);
  assert.deepEqual(prepared.signature.outputs, [{ name: 'output0', shape: ['N', 128] }]);
});
