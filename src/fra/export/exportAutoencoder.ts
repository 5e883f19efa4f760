/** The two halves of the autoencoder as ONNX files, pictures as (N,1,112,112). */
import { intsAttribute } from '../../models/onnx.ts';
import { CROP_SIZE, POSTURE_DIM } from '../../shared/face.ts';
import { type AutoencoderConfig, autoencoderSpecs, decoderSteps } from '../networks/autoencoder.ts';
import type { NamedWeights, WeightValues } from '../networks/weights.ts';
import { GraphBuilder, type GraphEnds } from './graphBuilder.ts';
import { readOnnxWeights } from './readOnnxWeights.ts';
import { weightValues } from './weightValues.ts';

/** landmark_image (N,1,112,112) → posture (N,512). */
export function exportEncoder(
  weights: NamedWeights,
  config: AutoencoderConfig,
  metadata: GraphEnds['metadata'],
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
  metadata: GraphEnds['metadata'],
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

/**
 * The weights of both files, as they were exported.
 *
 * @throws IntegrityError when a file lacks one, or has it in another shape.
 */
export function readAutoencoder(
  encoder: Uint8Array,
  decoder: Uint8Array,
  config: AutoencoderConfig,
): NamedWeights {
  const specs = Object.entries(autoencoderSpecs(config));
  const readHalf = (half: 'encoder' | 'decoder', bytes: Uint8Array) => {
    const own = specs.filter(([name]) => name.startsWith(`${half}.`));
    const shapes = own.map(([name, { shape }]) => [name, { shape: isKernel(name) ? toFile(shape) : shape }]);
    return readOnnxWeights(bytes, Object.fromEntries(shapes), `${half}.onnx`);
  };
  const read = [...readHalf('encoder', encoder), ...readHalf('decoder', decoder)];
  return new Map(read.map(([name, found]) => [name, isKernel(name) ? inputsFirst(found) : found]));
}

function isKernel(name: string): boolean {
  return name.endsWith('.weight');
}

/** The shape (kh,kw,I,O) as a file has it: (O,I,kh,kw). */
function toFile(shape: readonly number[]): number[] {
  const [kh, kw, inputs, outputs] = shape as [number, number, number, number];
  return [outputs, inputs, kh, kw];
}

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
  return { shape: toFile(shape), values: moved };
}
