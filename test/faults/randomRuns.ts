/**
 * Random runs as tests. POSECAST_FAULTS_SEED=… repeats one: what happens and to whom is the same, the moment as near as
 * a clock allows.
 */
import type { TestContext } from 'node:test';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { carryOut, type S3Backend } from './carryOut.ts';
import { type FaultCorpus, realCorpus, tinyCorpus } from './corpora.ts';
import { drawScenario, type Scenario, type StoreKind } from './scenario.ts';

/** One of so many runs is done with the real networks. */
const REAL_EVERY = 5;

export function seedsOf(runs: number): number[] {
  const repeated = process.env.POSECAST_FAULTS_SEED;
  if (repeated !== undefined) return [Number(repeated)];
  const first = Number(process.env.POSECAST_FAULTS_FIRST_SEED ?? 3);
  return Array.from({ length: runs }, (_, i) => first + i);
}

/** @param stores the kinds of stores that are drawn from; a folder needs no service. */
export async function carryOutAll(
  t: TestContext,
  seeds: readonly number[],
  stores: Readonly<Partial<Record<StoreKind, S3Backend | 'folder'>>>,
): Promise<void> {
  await withTempFolder(async (folder) => {
    const corpora: Partial<Record<Scenario['models'], FaultCorpus>> = {};
    if (seeds.some((seed) => modelsOf(seed) === 'tiny')) corpora.tiny = await tinyCorpus(folder);
    if (seeds.some((seed) => modelsOf(seed) === 'real')) corpora.real = await realCorpus(folder);
    await Promise.all(
      seeds.map((seed) => {
        const models = modelsOf(seed);
        const corpus = corpora[models]!;
        const kinds = Object.keys(stores) as StoreKind[];
        const scenario = drawScenario(seed, { shards: corpus.shards, models, stores: kinds });
        const backend = stores[scenario.store];
        return t.test(titleOf(scenario), { timeout: 900_000 }, () =>
          carryOut(scenario, corpus, backend === 'folder' ? undefined : backend),
        );
      }),
    );
  });
}

function modelsOf(seed: number): Scenario['models'] {
  return seed % REAL_EVERY === 0 ? 'real' : 'tiny';
}

function titleOf({ seed, command, store, models, strikes, weather, clocks }: Scenario): string {
  const kills = strikes.map(({ victim }) => victim).join(', ');
  const sky = weather === null ? '' : `, ${weather.kinds.join(' and ')}`;
  const clock = clocks.some((minutes) => minutes !== 0) ? ', a wrong clock' : '';
  return `seed ${seed}: ${command} into ${store} with ${models} networks, struck: ${kills}${sky}${clock}`;
}
