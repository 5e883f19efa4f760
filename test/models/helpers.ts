/** Stand-in models of the InsightFace form, a registry for them, a cache of its own, a server on loopback. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeModel,
  intAttribute,
  makeInt64Tensor,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/models/onnx.ts';
import { parseRegistry } from '../../src/models/registry.ts';
import type { ModelEntry } from '../../src/models/registryEntry.ts';
import { seededRandom } from '../../src/shared/random.ts';

export interface StandInOptions {
  /** Values of the embedding. */
  readonly dim?: number;
  /** Declared batch: InsightFace files have 'None' on the input and 1 on the output. */
  readonly batch?: number | string;
  readonly side?: number;
  /** The batch is in the target shape of the flattening Reshape, as in files that fix it. */
  readonly flattenTo?: readonly number[];
  /** The flattening shape is computed, so that no rewriting of constants can free the batch. */
  readonly hiddenShape?: boolean;
  /** The square root of every input value first: no number for what is below 0. */
  readonly gamma?: boolean;
  readonly seed?: number;
}

/** A small recogniser [batch,3,side,side] → [1,dim]: global average, flatten, Gemm. */
export function standInRecognizer(options: StandInOptions = {}): Uint8Array {
  const {
    dim = 512,
    batch = 'None',
    side = 112,
    flattenTo = [-1, 3],
    hiddenShape = false,
    gamma = false,
    seed = 7,
  } = options;
  const random = seededRandom(seed, 'stand-in');
  const weights = Float32Array.from({ length: dim * 3 }, () => 2 * random() - 1);
  // As in real files: some weights so small that they only cost time.
  weights[0] = 1e-39;
  weights[4] = -3e-14;
  const nodes: OnnxNode[] = gamma ? [makeNode('Sqrt', ['input.1'], ['corrected'])] : [];
  nodes.push(makeNode('GlobalAveragePool', [gamma ? 'corrected' : 'input.1'], ['pooled']));
  const initializers: OnnxTensor[] = [
    makeTensor('weights', [dim, 3], weights),
    makeInt64Tensor('target', flattenTo),
  ];
  if (hiddenShape) nodes.push(makeNode('Abs', ['target0'], ['target1']));
  if (hiddenShape) initializers.push(makeInt64Tensor('target0', [1, 3]));
  nodes.push(
    makeNode('Reshape', ['pooled', hiddenShape ? 'target1' : 'target'], ['flat']),
    makeNode('Gemm', ['flat', 'weights'], ['683'], [intAttribute('transB', 1)]),
  );
  return encodeModel(
    makeModel({
      name: 'stand-in',
      inputs: [makeValueInfo('input.1', [batch, 3, side, side])],
      outputs: [makeValueInfo('683', [1, dim])],
      nodes,
      initializers: hiddenShape ? initializers.filter((it) => it.name !== 'target') : initializers,
    }),
  );
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** An entry for a recogniser [N,3,112,112] → [N,512] at `source`. */
export function recognizerEntry(source: string, digest: string | null, name = 'stand-in'): ModelEntry {
  const file = {
    source,
    sha256: digest,
    format: 'onnx',
    inputs: [{ shape: ['N', 3, 112, 112] }],
    outputs: [{ shape: ['N', 512] }],
  };
  const registry = parseRegistry(
    { registryVersion: 1, models: { [name]: entryContent({ files: { model: file } }) } },
    '/registry.json',
  );
  const entry = registry.entries.get(name);
  if (entry === undefined) throw new TypeError('the registry holds what it was given');
  return entry;
}

/** A complete registry entry as JSON with fields replaced. */
export function entryContent(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    kind: 'recognizer',
    family: 'embedding',
    summary: 'Made for a test.',
    files: {
      model: {
        source: 'https://example.org/model.onnx',
        sha256: null,
        format: 'onnx',
        inputs: [{ shape: ['N', 3, 112, 112] }],
        outputs: [{ shape: ['N', 512] }],
      },
    },
    preprocess: { colour: 'rgb', mean: [127.5, 127.5, 127.5], std: [128, 128, 128], layout: 'NCHW' },
    embedDim: 512,
    licence: { weights: 'none needed', trainingData: 'none' },
    homepage: 'https://example.org',
    ...fields,
  };
}

/** Runs `use` with an empty model cache of its own. */
export async function withCache<T>(use: (cache: string) => Promise<T>): Promise<T> {
  const cache = await mkdtemp(join(tmpdir(), 'posecast-cache-'));
  const before = process.env.POSECAST_CACHE;
  process.env.POSECAST_CACHE = cache;
  try {
    return await use(cache);
  } finally {
    if (before === undefined) delete process.env.POSECAST_CACHE;
    else process.env.POSECAST_CACHE = before;
    await rm(cache, { recursive: true, force: true });
  }
}

/** Runs `use` with a server on a free loopback port; gives its address without a trailing slash. */
export async function withServer<T>(
  listener: RequestListener,
  use: (origin: string) => Promise<T>,
): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
