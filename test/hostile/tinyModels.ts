/** Networks of a few hundred bytes in the form of the real ones: deterministic, fast, meaningless. */
import {
  DATA_TYPE,
  encodeModel,
  intsAttribute,
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

interface PatchNetwork {
  readonly channels: number;
  readonly side: number;
  readonly patch: number;
  readonly outputs: readonly { readonly name: string; readonly values: number }[];
}

function patchNetwork({ channels, side, patch, outputs }: PatchNetwork): Uint8Array {
  const patches = channels * (side / patch) ** 2;
  const random = seededRandom(1, 'tiny-model', channels, side);
  const nodes = [
    makeNode(
      'AveragePool',
      ['input'],
      ['means'],
      [intsAttribute('kernel_shape', [patch, patch]), intsAttribute('strides', [patch, patch])],
    ),
    makeNode('Flatten', ['means'], ['flat']),
    ...outputs.map(({ name }) => makeNode('MatMul', ['flat', `${name}:weights`], [name])),
  ];
  const weights = outputs.map(({ name, values }) =>
    makeTensor(
      `${name}:weights`,
      [patches, values],
      Float32Array.from({ length: patches * values }, () => random() - 0.5),
    ),
  );
  return encodeModel(
    makeModel({
      name: 'tiny',
      inputs: [makeValueInfo('input', ['N', channels, side, side], DATA_TYPE.float32)],
      outputs: outputs.map(({ name, values }) => makeValueInfo(name, ['N', values])),
      nodes,
      initializers: weights,
    }),
  );
}
