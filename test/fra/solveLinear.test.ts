import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Matrix, solve } from 'ml-matrix';
import { openBackend } from '../../src/fra/backend.ts';
import type { LinearMapConfig } from '../../src/fra/generators/generatorConfig.ts';
import { openGenerator } from '../../src/fra/generators/generators.ts';
import { basisAt } from '../../src/fra/generators/poseBasis.ts';
import { disposeWeights, type NamedWeights, trainableWeights } from '../../src/fra/networks/weights.ts';
import { unitAnswers } from '../../src/fra/training/answers.ts';
import type { PairSample } from '../../src/fra/training/pairs.ts';
import { ridgePath } from '../../src/fra/training/ridge.ts';
import { solveLinear } from '../../src/fra/training/solveLinear.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import { POSTURE_DIM } from '../../src/shared/face.ts';
import { dot, normalizeInPlace } from '../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

await openBackend('cpu', 1);

function normals(count: number, ...words: (string | number)[]): Float32Array {
  const random = seededRandom(3, ...words);
  return Float32Array.from({ length: count }, () => randomNormal(random));
}

test('ridge regression for a path of penalties equals the normal equations solved one by one', () => {
  const [rows, inputs, outputs] = [40, 6, 3];
  const problem = {
    inputs: normals(rows * inputs, 'x'),
    outputs: normals(rows * outputs, 'y'),
    weights: normals(rows, 'w').map(Math.abs),
  };
  const path = ridgePath(problem, { inputs, outputs });
  const total = problem.weights.reduce((sum, value) => sum + value, 0);
  for (const lambda of [0, 0.1, 10]) {
    const { map, offset } = path.solve(lambda);
    // [x 1], with the penalty on all but the constant.
    const x = new Matrix(
      Array.from({ length: rows }, (_, r) => [...problem.inputs.subarray(r * inputs, (r + 1) * inputs), 1]),
    );
    const y = new Matrix(
      Array.from({ length: rows }, (_, r) => [...problem.outputs.subarray(r * outputs, (r + 1) * outputs)]),
    );
    const weighted = x.transpose().mulRowVector([...problem.weights]);
    const penalty = Matrix.diag([...Array.from({ length: inputs }, () => (lambda * total) / inputs), 0]);
    const expected = solve(weighted.mmul(x).add(penalty), weighted.mmul(y)).to1DArray();
    [...map, ...offset].forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]!) < 1e-4, `λ ${lambda}, value ${i}: ${value}, ${expected[i]}`);
    });
  }
});

test('a large penalty with scaling leaves one factor for everything, and without scaling no change but the mean', () => {
  const [rows, dim] = [50, 5];
  const inputs = normals(rows * dim, 'x');
  // y = −0.4·x + (1, 2, 3, 4, 5)
  const outputs = inputs.map((value, i) => -0.4 * value + 1 + (i % dim));
  const path = ridgePath(
    { inputs, outputs, weights: new Float32Array(rows).fill(1) },
    { inputs: dim, outputs: dim },
  );
  const scaled = path.solve(1e9, 1);
  assert.ok(Math.abs(scaled.scale + 0.4) < 1e-4);
  scaled.offset.forEach((value, i) => {
    assert.ok(Math.abs(value - 1 - i) < 1e-4);
  });
  const plain = path.solve(1e9);
  assert.equal(plain.scale, 0);
  assert.deepEqual(plain.offset, path.meanOutput);
  assert.ok([...scaled.map, ...plain.map].every((value) => Math.abs(value) < 1e-6));
});

test('the pose basis sums to one over its hats, at every yaw and beyond the knots', () => {
  const basis = { knots: [-60, -20, 0, 30], pitch: true };
  for (let yaw = -90; yaw <= 90; yaw += 7) {
    const [up, down, ...hats] = basisAt(basis, yaw, -10).reverse();
    assert.ok(Math.abs(hats.reverse().reduce((sum, value) => sum + value, 0) - 1) < 1e-12);
    assert.deepEqual([down, up], [0, 0.5]);
  }
  assert.deepEqual(basisAt(basis, 15, 0).slice(0, 4), [0, 0, 0.5, 0.5]);
  assert.deepEqual(basisAt(basis, 80, 0).slice(0, 4), [0, 0, 0, 1]);
});

const DIM = 16;
const YAWS = [-60, -40, -20, 0, 20, 40, 60];
const PEOPLE = 60;

/** A code from which the yaw can be read, among values of the person's own. */
function codeOf(person: number, yaw: number): Float32Array {
  const code = normals(POSTURE_DIM, 'code', person, yaw).map((value) => 0.002 * value);
  code[0]! += yaw / 200;
  return code;
}

/** Turning moves everybody alike, and mirrors a part of the person: what a ridge map can learn and an offset cannot. */
function turn(person: Float32Array, yaw: number): Float32Array {
  const common = normals(DIM, 'common');
  const result = person.map(
    (value, i) => value + (Math.abs(yaw) / 60) * (0.1 * common[i]! - (i < DIM / 2 ? 1.2 * value : 0)),
  );
  normalizeInPlace(result);
  return result;
}

function people(from: number, to: number): PairSample[] {
  return Array.from({ length: to - from }, (_, p) => from + p).flatMap((person) => {
    const identity = normals(DIM, 'person', person);
    normalizeInPlace(identity);
    return YAWS.map((yaw, i) => ({
      subjectId: `person-${person}`,
      faceId: `${person}`,
      gridIndex: yaw === 0 ? -1 : i,
      yaw,
      pitch: 0,
      embedding: yaw === 0 ? identity : turn(identity, yaw),
      code: codeOf(person, yaw),
    }));
  });
}

const training = people(0, PEOPLE);
const validation = people(PEOPLE, PEOPLE + 15);

/** 1 − mean cosine of answers for validation people to their own turned embeddings. */
function judge(config: LinearMapConfig, weights: NamedWeights): number {
  const tensors = trainableWeights(weights);
  const turned = validation.filter(({ yaw }) => yaw !== 0);
  const sourceOf = ({ subjectId }: PairSample) =>
    validation.find((other) => other.subjectId === subjectId && other.yaw === 0)!;
  const answers = unitAnswers(
    openGenerator(config),
    tensors,
    turned.map((target) => ({ identity: sourceOf(target).embedding, posture: target.code })),
  );
  disposeWeights(tensors);
  return 1 - turned.reduce((sum, { embedding }, i) => sum + dot(answers[i]!, embedding), 0) / turned.length;
}

function request(kind: LinearMapConfig['kind'], knots: readonly number[]) {
  const notes: string[] = [];
  const note = (line: string) => notes.push(line);
  return {
    request: { kind, identityDim: DIM, knots, pitch: true, training, validation, judge, note },
    notes,
  };
}

test('a ridge map learns how a turn depends on the person, a mean offset does not, and both beat no change', () => {
  const knots = [-80, -60, -30, 0, 30, 60];
  const unchanged =
    1 -
    mean(
      validation
        .filter(({ yaw }) => yaw !== 0)
        .map((target) => {
          const source = validation.find((other) => other.subjectId === target.subjectId && other.yaw === 0)!;
          return dot(source.embedding, target.embedding);
        }),
    );
  const offset = solveLinear(request('mean-offset', knots).request);
  const { request: asked, notes } = request('ridge', knots);
  const ridge = solveLinear(asked);
  const [offsetLoss, ridgeLoss] = [offset, ridge].map(({ config, weights }) => judge(config, weights));
  assert.ok(offsetLoss! < unchanged, `${offsetLoss} against ${unchanged}`);
  assert.ok(ridgeLoss! < 0.5 * offsetLoss!, `${ridgeLoss} against ${offsetLoss}`);
  // Nobody is near −80°, and nobody looks up or down.
  assert.deepEqual(ridge.config.basis, { knots: [-60, -30, 0, 30, 60], pitch: false });
  assert.ok(notes.some((line) => line.startsWith('yaw: scaling')));
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('with one knot a ridge map answers alike whatever the posture', () => {
  const { config, weights } = solveLinear(request('ridge', [0]).request);
  const tensors = trainableWeights(weights);
  const identity = validation[0]!.embedding;
  const [left, right] = unitAnswers(openGenerator(config), tensors, [
    { identity, posture: codeOf(1, -60) },
    { identity, posture: codeOf(2, 60) },
  ]);
  disposeWeights(tensors);
  assert.deepEqual(left, right);
});

test('too few turned faces are a configuration error', () => {
  const { request: asked } = request('ridge', [-30, 0, 30]);
  assert.throws(() => solveLinear({ ...asked, training: training.slice(0, 10) }), ConfigError);
});
