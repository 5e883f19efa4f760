/** Networks of a few hundred bytes in the form of the real ones: deterministic, fast, meaningless. */
import {
  DATA_TYPE,
  encodeModel,
  intsAttribute,
  makeInt64Tensor,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
} from '../../src/models/onnx.ts';
import { seededRandom } from '../../src/shared/random.ts';

/** [N,3,112,112] → [N,dim]: means of 16 × 16 patches, times a fixed random matrix. */
export function tinyRecognizer(dim: number): Uint8Array {
  return patchNetwork({ channels: 3, side: 112, patch: 16, outputs: [{ name: 'embedding', values: dim }] });
}

/** [N,1,64,64] → [N,136], as `fr-landmark`. */
export function tinyLandmarks(): Uint8Array {
  return patchNetwork({ channels: 1, side: 64, patch: 16, outputs: [{ name: 'output', values: 136 }] });
}

/** [N,3,224,224] → three times [N,66], as `fr-pose`. */
export function tinyPose(): Uint8Array {
  const outputs = ['output', '617', '618'].map((name) => ({ name, values: 66 }));
  return patchNetwork({ channels: 3, side: 224, patch: 56, outputs });
}

/** [N,3,240,320] → [N,4420,2] and [N,4420,4], as `fr-detect`. */
export function tinyDetector(): Uint8Array {
  const outputs = [
    { name: 'scores', values: 4420 * 2, shape: [4420, 2] },
    { name: 'boxes', values: 4420 * 4, shape: [4420, 4] },
  ];
  return patchNetwork({ channels: 3, height: 240, side: 320, patch: 80, outputs });
}

interface PatchNetwork {
  readonly channels: number;
  /** Width, and height unless that is given. */
  readonly side: number;
  readonly height?: number;
  readonly patch: number;
  /** `shape`: of an item, where it is not flat. */
  readonly outputs: readonly { readonly name: string; readonly values: number; readonly shape?: number[] }[];
}

function patchNetwork({ channels, side, height = side, patch, outputs }: PatchNetwork): Uint8Array {
  const patches = channels * (side / patch) * (height / patch);
  const random = seededRandom(1, 'tiny-model', channels, side);
  const nodes = [
    makeNode(
      'AveragePool',
      ['input'],
      ['means'],
      [intsAttribute('kernel_shape', [patch, patch]), intsAttribute('strides', [patch, patch])],
    ),
    makeNode('Flatten', ['means'], ['flat']),
    ...outputs.flatMap(({ name, shape }) => [
      makeNode('MatMul', ['flat', `${name}:weights`], [shape ? `${name}:flat` : name]),
      ...(shape ? [makeNode('Reshape', [`${name}:flat`, `${name}:shape`], [name])] : []),
    ]),
  ];
  const constants = outputs.flatMap(({ name, values, shape }) => [
    makeTensor(
      `${name}:weights`,
      [patches, values],
      Float32Array.from({ length: patches * values }, () => random() - 0.5),
    ),
    ...(shape ? [makeInt64Tensor(`${name}:shape`, [0, ...shape])] : []),
  ]);
  return encodeModel(
    makeModel({
      name: 'tiny',
      inputs: [makeValueInfo('input', ['N', channels, height, side], DATA_TYPE.float32)],
      outputs: outputs.map(({ name, values, shape }) => makeValueInfo(name, ['N', ...(shape ?? [values])])),
      nodes,
      initializers: constants,
    }),
  );
}
