import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { exportGenerator } from '../../../src/fra/generators/exportGenerator.ts';
import { openGenerator } from '../../../src/fra/generators/generators.ts';
import { POSTURE_DIM } from '../../../src/shared/face.ts';
import { normalizeInPlace } from '../../../src/shared/l2.ts';
import { seededRandom } from '../../../src/shared/random.ts';
import {
  type BankRequest,
  combinerOfPairs,
  openBankCombiner,
} from '../../../src/worker/models/bankCombiner.ts';
import { openCombiner } from '../../../src/worker/models/combiner.ts';
import { KINDS, normals, trained } from '../../fra/generatorKinds.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';
import { largestDifference } from '../../models/runGraph.ts';

const CPU = { device: 'cpu', intraOpThreads: 1 } as const;
const BANK = 40;

function requestOf(variants: number, people: number, dim: number, seed: number): BankRequest {
  const random = seededRandom(seed, 'request');
  const identities = normals(people * dim, seed);
  for (let at = 0; at < identities.length; at += dim) normalizeInPlace(identities.subarray(at, at + dim));
  const any = (below: number) => Uint32Array.from({ length: variants }, () => Math.floor(random() * below));
  return { identities, dim, sources: any(people), postures: any(BANK) };
}

for (const [kind, config] of KINDS) {
  test(`variants at the postures of a bank are the combiner's for the same pairs: ${kind}`, () =>
    withTempFolder(async (folder) => {
      const generator = openGenerator(config);
      const path = join(folder, 'combiner.onnx');
      await writeFile(path, exportGenerator(generator, trained(config), {}));
      const codes = normals(BANK * POSTURE_DIM, 2);
      const pairs = combinerOfPairs(await openCombiner(path, CPU), codes);
      const all = await openBankCombiner(path, codes, CPU);
      // Keeps no more than what one request needs.
      const few = await openBankCombiner(path, codes, CPU, 0);
      const sizes = [
        [1, 1],
        [7, 3],
        [1, 1],
        [60, 12],
        [20, 20],
      ] as const;
      for (const [i, [variants, people]] of sizes.entries()) {
        const request = requestOf(variants, people, generator.identityDim, i);
        const expected = await pairs.combine(request);
        assert.equal(expected.length, variants * generator.identityDim);
        for (const combiner of [all, few]) {
          const found = await combiner.combine(request);
          assert.ok(largestDifference(found, expected) < 1e-6);
        }
      }
      for (const combiner of [pairs, all, few]) await combiner.close();
    }));
}
