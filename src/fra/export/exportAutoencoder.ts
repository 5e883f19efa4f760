/** The two halves of the autoencoder as ONNX files, pictures as (N,1,112,112). */
import { decodeModel, float32Values, intsAttribute, tensorDims } from '../../models/onnx.ts';
import { IntegrityError } from '../../shared/errors.ts';
import { CROP_SIZE, POSTURE_DIM } from '../../shared/face.ts';
import { type AutoencoderConfig, autoencoderSpecs, decoderSteps } from '../networks/autoencoder.ts';
import type { NamedWeights, WeightValues } from '../networks/weights.ts';
import { GraphBuilder } from './graphBuilder.ts';
import { weightValues } from './weightValues.ts';

/** landmark_image (N,1,112,112) → posture (N,512). */
export function exportEncoder(
  weights: NamedWeights,
  config: AutoencoderConfig,
  metadata: Metadata,
): Uint8Array {
  const graph = new GraphBuilder();
  let x = 'landmark_image';
  for (let i = 0; i < config.channels.length; i++) {
    x = convolution(graph, weights, `encoder.${i}`, x, 1, 1);
    x = graph.node('Relu', [x]);
    x = graph.node('MaxPool', [x], [intsAttribute('kernel_shape', [2, 2]), intsAttribute('strides', [2, 2])]);
  }
  return graph.finish(graph.reshape(x, [0, POSTURE_DIM]), {
    name: 'fra_encoder',
    inputs: [{ name: 'landmark_image', shape: ['N', 1, CROP_SIZE, CROP_SIZE] }],
    output: { name: 'posture', shape: ['N', POSTURE_DIM] },
    metadata,
  });
}

/** posture (N,512) → landmark_image (N,1,112,112), values 0–1. */
export function exportDecoder(
  weights: NamedWeights,
  config: AutoencoderConfig,
  metadata: Metadata,
): Uint8Array {
  const graph = new GraphBuilder();
  let x = graph.reshape('posture', [0, POSTURE_DIM, 1, 1]);
  const steps = decoderSteps(config);
  steps.forEach((step, i) => {
    x = graph.upsample(x, step.upsample);
    x = convolution(graph, weights, `decoder.${i}`, x, step.stride, step.padding);
    x = graph.node(i < steps.length - 1 ? 'Relu' : 'Sigmoid', [x]);
  });
  return graph.finish(x, {
    name: 'fra_decoder',
    inputs: [{ name: 'posture', shape: ['N', POSTURE_DIM] }],
    output: { name: 'landmark_image', shape: ['N', 1, CROP_SIZE, CROP_SIZE] },
    metadata,
  });
}

/** The weights of both files, as they were exported. */
export function readAutoencoder(
  encoder: Uint8Array,
  decoder: Uint8Array,
  config: AutoencoderConfig,
): NamedWeights {
  const tensors = new Map(
    [encoder, decoder]
      .flatMap((bytes) => decodeModel(bytes).graph.initializer)
      .map((tensor) => [tensor.name, tensor]),
  );
  return new Map(
    Object.keys(autoencoderSpecs(config)).map((name): [string, WeightValues] => {
      const tensor = tensors.get(name);
      if (tensor === undefined) {
        throw new IntegrityError('bad-fra-weights', 'autoencoder lacks a weight', { weight: name });
      }
      const found = { shape: tensorDims(tensor), values: float32Values(tensor) };
      return [name, name.endsWith('.weight') ? inputsFirst(found) : found];
    }),
  );
}

type Metadata = Readonly<Record<string, string>>;

function convolution(
  graph: GraphBuilder,
  weights: NamedWeights,
  name: string,
  input: string,
  stride: number,
  padding: number,
): string {
  const kernel = outputsFirst(weightValues(weights, `${name}.weight`));
  const bias = weightValues(weights, `${name}.bias`);
  return graph.node(
    'Conv',
    [
      input,
      graph.constant(`${name}.weight`, kernel.shape, kernel.values),
      graph.constant(`${name}.bias`, bias.shape, bias.values),
    ],
    [
      intsAttribute('kernel_shape', kernel.shape.slice(2)),
      intsAttribute('strides', [stride, stride]),
      intsAttribute('pads', [padding, padding, padding, padding]),
    ],
  );
}

/** (O,I,kh,kw) → (kh,kw,I,O). */
function inputsFirst({ shape, values }: WeightValues): WeightValues {
  const [outputs, inputs, kh, kw] = shape as [number, number, number, number];
  const moved = new Float32Array(values.length);
  for (let y = 0; y < kh; y++) {
    for (let x = 0; x < kw; x++) {
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < outputs; o++) {
          moved[((y * kw + x) * inputs + i) * outputs + o] = values[((o * inputs + i) * kh + y) * kw + x]!;
        }
      }
    }
  }
  return { shape: [kh, kw, inputs, outputs], values: moved };
}

/** (kh,kw,I,O) → (O,I,kh,kw). */
function outputsFirst({ shape, values }: WeightValues): WeightValues {
  const [kh, kw, inputs, outputs] = shape as [number, number, number, number];
  const moved = new Float32Array(values.length);
  for (let y = 0; y < kh; y++) {
    for (let x = 0; x < kw; x++) {
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < outputs; o++) {
          moved[((o * inputs + i) * kh + y) * kw + x] = values[((y * kw + x) * inputs + i) * outputs + o]!;
        }
      }
    }
  }
  return { shape: [outputs, inputs, kh, kw], values: moved };
}
