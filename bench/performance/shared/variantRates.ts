/** Variants a second of a generator on one thread: pairs that share nothing, and as workers make them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportGenerator } from '../../../src/fra/generators/exportGenerator.ts';
import type { Generator } from '../../../src/fra/generators/generator.ts';
import type { NamedWeights } from '../../../src/fra/networks/weights.ts';
import { POSTURE_DIM } from '../../../src/shared/face.ts';
import { openBankCombiner, splitToShare } from '../../../src/worker/models/bankCombiner.ts';
import { withFolder } from './folders.ts';
import { ratePerSecond } from './measure.ts';
import { noiseTensor, openPlain } from './plainRuntime.ts';

export interface Form {
  readonly generator: Generator;
  readonly weights: NamedWeights;
}

/** Pairs of a run, of which the fastest counts. */
const PAIRS = [32, 128, 512, 2_048];
/** Variants of a worker's request, and how many of them are of one photograph: ten of a person with two. */
const REQUEST = 128;
export const VARIANTS_OF_ONE = 5;
/** Postures of the banks that ship. */
const BANK = 378;

/** By plain ONNX Runtime, every pair an identity and a posture of its own. */
export async function pairRate({ generator, weights }: Form, seconds: number): Promise<number> {
  const network = await openPlain(exportGenerator(generator, weights, {}));
  let best = 0;
  for (const pairs of PAIRS) {
    const feeds = {
      identity: noiseTensor([pairs, generator.identityDim]),
      posture: noiseTensor([pairs, POSTURE_DIM]),
    };
    best = Math.max(best, await ratePerSecond(pairs, seconds, () => network.run(feeds)));
  }
  await network.close();
  return best;
}

/** Whether workers share what depends on a photograph or a posture alone. */
export function isShared({ generator, weights }: Form): boolean {
  return splitToShare(exportGenerator(generator, weights, {})) !== undefined;
}

/** By a worker's combiner, at postures from all over its bank, the bank's side kept. */
export function bankRate({ generator, weights }: Form, seconds: number): Promise<number> {
  return withFolder('memory', async (folder) => {
    const path = join(folder, 'combiner.onnx');
    await writeFile(path, exportGenerator(generator, weights, {}));
    const codes = noiseTensor([BANK, POSTURE_DIM]).data as Float32Array;
    const combiner = await openBankCombiner(path, codes, { device: 'cpu', intraOpThreads: 1 });
    const { identityDim: dim } = generator;
    const identities = noiseTensor([Math.ceil(REQUEST / VARIANTS_OF_ONE), dim]).data as Float32Array;
    const sources = Uint32Array.from({ length: REQUEST }, (_, i) => Math.floor(i / VARIANTS_OF_ONE));
    let next = 0;
    const request = () => ({
      identities,
      dim,
      sources,
      postures: Uint32Array.from({ length: REQUEST }, () => next++ % BANK),
    });
    // Until every posture has been asked for.
    for (let asked = 0; asked < BANK; asked += REQUEST) await combiner.combine(request());
    const rate = await ratePerSecond(REQUEST, seconds, () => combiner.combine(request()));
    await combiner.close();
    return rate;
  });
}
