import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportGenerator } from '../../src/fra/generators/exportGenerator.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import {
  decodeModel,
  encodeModel,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxNode,
} from '../../src/models/onnx.ts';
import { splitByInput } from '../../src/models/splitByInput.ts';
import { KINDS, trained } from '../fra/generatorKinds.ts';

/** Inputs a and b (N,2), output y (N,2). */
function graphOf(nodes: readonly OnnxNode[]): Uint8Array {
  const inputs = ['a', 'b'].map((name) => makeValueInfo(name, ['N', 2]));
  const initializers = ['w', 'v'].map((name) => makeTensor(name, [2, 2], new Float32Array(4)));
  return encodeModel(
    makeModel({ name: 'test', inputs, outputs: [makeValueInfo('y', ['N', 2])], nodes, initializers }),
  );
}

const operators = (file: Uint8Array) => decodeModel(file).graph.node.map(({ name }) => name);

test('what depends on one input alone is its side, the rest reads what the sides make', () => {
  const split = splitByInput(
    graphOf([
      makeNode('MatMul', ['w', 'v'], ['wv']),
      makeNode('MatMul', ['a', 'wv'], ['aw']),
      makeNode('Relu', ['aw'], ['ar']),
      makeNode('MatMul', ['b', 'wv'], ['bw']),
      makeNode('Add', ['ar', 'bw'], ['sum']),
      makeNode('MatMul', ['sum', 'wv'], ['mapped']),
      makeNode('Add', ['mapped', 'b'], ['y']),
    ]),
  );
  assert.deepEqual(
    split?.sides.map(({ input, outputs, file }) => [input, outputs, operators(file)]),
    [
      ['a', ['ar'], ['MatMul:wv', 'MatMul:aw', 'Relu:ar']],
      ['b', ['bw'], ['MatMul:wv', 'MatMul:bw']],
    ],
  );
  assert.deepEqual(split?.rest.inputs, ['ar', 'bw', 'b']);
  assert.deepEqual(operators(split!.rest.file), ['MatMul:wv', 'Add:sum', 'MatMul:mapped', 'Add:y']);
  const weights = decodeModel(split!.rest.file).graph.initializer.map(({ name }) => name);
  assert.deepEqual(weights, ['w', 'v']);
});

test('a network whose inputs meet at once, or not at all, is not split', () => {
  assert.equal(splitByInput(graphOf([makeNode('Add', ['a', 'b'], ['y'])])), undefined);
  assert.equal(splitByInput(graphOf([makeNode('Relu', ['a'], ['y'])])), undefined);
});

test('a network with a graph inside a node is not split: what that reads is not among its inputs', () => {
  const { graph } = decodeModel(graphOf([makeNode('Relu', ['b'], ['inner'])]));
  const branch = { name: 'then_branch', type: 5, g: graph };
  const nodes = [
    makeNode('Relu', ['a'], ['positive']),
    makeNode('If', ['positive'], ['chosen'], [branch]),
    makeNode('Add', ['chosen', 'b'], ['y']),
  ];
  assert.equal(splitByInput(graphOf(nodes)), undefined);
});

test('generators are split where identity and posture meet: at once in the form that was published', () => {
  const split = new Map(
    KINDS.map(([kind, config]) => {
      const parts = splitByInput(exportGenerator(openGenerator(config), trained(config), {}));
      return [kind, parts?.sides.map(({ input }) => input)];
    }),
  );
  assert.equal(split.get('vit-published'), undefined);
  for (const kind of ['vit-late', 'vit-prefix', 'ridge', 'mixture']) {
    assert.deepEqual(split.get(kind), ['identity', 'posture'], kind);
  }
});
