/**
 * Variants per second of every generator on one thread of this machine, whole graph against cached states, beside its
 * size. Weights are random: they do not change the speed.
 *
 *     node dist/bench/generators.js [D, 512 by default] [FRA model folder …]
 *
 * whole: one graph call for a batch of (identity, posture) pairs, as a worker does. cached: posture states kept, one
 * identity state for the batch's person, `combine` for every variant; the time of the states is counted in the last
 * column, for BATCH variants a person.
 */
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openFraModel } from '../src/fra/fraModel.ts';
import {
  exportCached,
  exportGenerator,
  readGeneratorWeights,
} from '../src/fra/generators/exportGenerator.ts';
import { type Generator, parameterCount } from '../src/fra/generators/generator.ts';
import { type GeneratorConfig, VIT_KINDS } from '../src/fra/generators/generatorConfig.ts';
import { openGenerator } from '../src/fra/generators/generators.ts';
import { defaultResidualMlp } from '../src/fra/generators/residualMlp.ts';
import { defaultVit } from '../src/fra/generators/vit.ts';
import { initialWeights, type NamedWeights } from '../src/fra/networks/weights.ts';
import { POSTURE_DIM } from '../src/shared/face.ts';
import { normalizeInPlace } from '../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../src/shared/random.ts';

/** Variants of one call. */
const BATCH = 32;
/** Each measurement is the best of ROUNDS, each of SECONDS. */
const ROUNDS = 3;
const SECONDS = 1;

interface Row {
  readonly name: string;
  readonly parameters: number;
  readonly multiplyAdds: number;
  readonly cachedMultiplyAdds: number | undefined;
  /** Variants per second. */
  readonly whole: number;
  readonly cached: number | undefined;
  readonly cachedWithStates: number | undefined;
}

const [dim = '512', ...folders] = process.argv.slice(2);
const subjects: { name: string; generator: Generator; weights: NamedWeights }[] = standard(Number(dim)).map(
  ({ name, config }) => {
    const generator = openGenerator(config);
    return { name, generator, weights: initialWeights(generator.specs, 0) };
  },
);
for (const folder of folders) {
  const { card, paths } = await openFraModel(folder);
  const generator = openGenerator(card.architecture.combiner);
  const weights = readGeneratorWeights(await readFile(paths.combiner), generator, paths.combiner);
  subjects.push({ name: `${card.name} (${card.architecture.combiner.kind})`, generator, weights });
}
const rows: Row[] = [];
for (const { name, generator, weights } of subjects) rows.push(await measure(name, generator, weights));
print(rows);

/** Every kind in its usual size. */
function standard(identityDim: number): { name: string; config: GeneratorConfig }[] {
  const basis = { knots: [-75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 75], pitch: true };
  const ridge = { kind: 'ridge', identityDim, basis, lambda: 1, scaling: 1 } as const;
  return [
    { name: 'mean-offset', config: { kind: 'mean-offset', identityDim, basis } },
    { name: 'ridge, rank 32', config: { ...ridge, rank: 32 } },
    { name: 'ridge, full rank', config: { ...ridge, rank: identityDim } },
    { name: 'residual-mlp', config: defaultResidualMlp(identityDim, basis.knots, 'readout') },
    ...VIT_KINDS.map((kind) => ({ name: kind, config: defaultVit(kind, identityDim) })),
  ];
}

async function measure(name: string, generator: Generator, weights: NamedWeights): Promise<Row> {
  const { identityDim, cached } = generator;
  const row = {
    name,
    parameters: parameterCount(generator),
    multiplyAdds: generator.multiplyAdds,
    cachedMultiplyAdds: cached?.multiplyAdds,
  };
  const identity = normals(identityDim, 1);
  normalizeInPlace(identity);
  const identities = Float32Array.from({ length: BATCH * identityDim }, (_, i) => identity[i % identityDim]!);
  const postures = normals(BATCH * POSTURE_DIM, 2).map((value) => Math.abs(value) / 22);
  const whole = await open(exportGenerator(generator, weights, {}));
  const wholeRate = await rate(() =>
    whole.run({
      identity: new Tensor('float32', identities, [BATCH, identityDim]),
      posture: new Tensor('float32', postures, [BATCH, POSTURE_DIM]),
    }),
  );
  await whole.release();
  if (cached === undefined)
    return { ...row, whole: wholeRate, cached: undefined, cachedWithStates: undefined };

  const graphs = exportCached(cached, identityDim, weights, {});
  const [identityState, postureState, combine] = await Promise.all(
    [graphs.identityState, graphs.postureState, graphs.combine].map(open),
  );
  const identityFeed = { identity: new Tensor('float32', identity, [1, identityDim]) };
  const postureStates = (
    await postureState!.run({ posture: new Tensor('float32', postures, [BATCH, POSTURE_DIM]) })
  ).posture_state!;
  const ownState = (await identityState!.run(identityFeed)).identity_state!;
  const combineRate = await rate(() =>
    combine!.run({ identity_state: ownState, posture_state: postureStates }),
  );
  const withStates = await rate(async () => {
    const state = (await identityState!.run(identityFeed)).identity_state!;
    await combine!.run({ identity_state: state, posture_state: postureStates });
  });
  for (const session of [identityState!, postureState!, combine!]) await session.release();
  return { ...row, whole: wholeRate, cached: combineRate, cachedWithStates: withStates };
}

function open(model: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}

/** Variants per second of calls that make BATCH of them. */
async function rate(call: () => Promise<unknown>): Promise<number> {
  await call();
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    let calls = 0;
    while (performance.now() - start < 1000 * SECONDS) {
      await call();
      calls++;
    }
    best = Math.max(best, (1000 * calls * BATCH) / (performance.now() - start));
  }
  return best;
}

function normals(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => randomNormal(random));
}

function print(found: readonly Row[]): void {
  const whole = (value: number | undefined) =>
    value === undefined ? '–' : Math.round(value).toLocaleString('en');
  const head = [
    'generator',
    'parameters',
    'multiply-adds',
    '… cached',
    'variants/s',
    '… cached',
    '… with identity states',
  ];
  const lines = [
    head,
    head.map((_, i) => (i === 0 ? '---' : '--:')),
    ...found.map((row) => [
      row.name,
      ...[
        row.parameters,
        row.multiplyAdds,
        row.cachedMultiplyAdds,
        row.whole,
        row.cached,
        row.cachedWithStates,
      ].map(whole),
    ]),
  ];
  process.stdout.write(`${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`);
}
