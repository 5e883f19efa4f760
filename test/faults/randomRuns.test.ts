/**
 * Runs that are disturbed at random come to the result of a run that nobody disturbs. POSECAST_FAULTS_SEED=… repeats
 * one: what happens and to whom is the same, the moment as near as a clock allows.
 */
import { test } from 'node:test';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { carryOut, type S3Backend } from './carryOut.ts';
import { type FaultCorpus, realCorpus, tinyCorpus } from './corpora.ts';
import { drawScenario, STORE_KINDS } from './scenario.ts';

/** One of so many runs is done with the real networks. */
const REAL_EVERY = 5;
const REPEATED = process.env.POSECAST_FAULTS_SEED;
const RUNS = REPEATED === undefined ? Number(process.env.POSECAST_FAULTS_RUNS ?? 2) : 1;
const FIRST_SEED = Number(REPEATED ?? process.env.POSECAST_FAULTS_FIRST_SEED ?? 3);

test('random runs', { concurrency: 3, timeout: 7_200_000 }, (t) =>
  withTempFolder(async (folder) => {
    const seeds = Array.from({ length: RUNS }, (_, i) => FIRST_SEED + i);
    const corpora: Partial<Record<string, FaultCorpus>> = {};
    if (seeds.some((seed) => modelsOf(seed) === 'tiny')) corpora.tiny = await tinyCorpus(folder);
    if (seeds.some((seed) => modelsOf(seed) === 'real')) corpora.real = await realCorpus(folder);
    await withS3({ conditionalPuts: true }, (strong) =>
      withS3({ conditionalPuts: false }, async (weak) => {
        const backend = ({ endpoint, bucket }: { endpoint: string; bucket: string }): S3Backend => ({
          endpoint,
          bucket,
          env: {},
          looksAtClock: false,
        });
        const backends = {
          folder: undefined,
          s3: backend(strong),
          's3-without-put-if-absent': backend(weak),
        };
        await Promise.all(
          seeds.map((seed) => {
            const models = modelsOf(seed);
            const corpus = corpora[models]!;
            const scenario = drawScenario(seed, { shards: corpus.shards, models, stores: STORE_KINDS });
            const { store, command, strikes, weather } = scenario;
            const kills = strikes.map(({ victim }) => victim).join(', ');
            const sky = weather === null ? '' : `, ${weather.kinds.join(' and ')}`;
            return t.test(
              `seed ${seed}: ${command} into ${store} with ${models} networks, struck: ${kills}${sky}`,
              { timeout: 600_000 },
              () => carryOut(scenario, corpus, backends[store]),
            );
          }),
        );
      }),
    );
  }),
);

function modelsOf(seed: number): 'tiny' | 'real' {
  return seed % REAL_EVERY === 0 ? 'real' : 'tiny';
}
