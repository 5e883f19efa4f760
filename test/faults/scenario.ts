/** What will be done to a run, drawn from a seed before anything is started. */
import { type Random, randomInt, seededRandom, shuffle } from '../../src/shared/random.ts';
import { WEATHERS, type Weather } from './weather.ts';

export const STORE_KINDS = ['folder', 's3', 's3-without-put-if-absent'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** 'run': one process with a Redis of its own. 'run-shared', 'submit': with workers, on a Redis that stays. */
export type CommandKind = 'run' | 'run-shared' | 'submit';

export interface Strike {
  /**
   * Killed: 'producer', 'worker', 'redis', 'own-redis' (the one that `posecast run` started). 'redis-data': FLUSHALL.
   * 'suspended-worker': stands still and goes on, as if nothing had been.
   */
  readonly victim: 'producer' | 'worker' | 'suspended-worker' | 'redis' | 'own-redis' | 'redis-data';
  /** Which worker. */
  readonly worker: number;
  /** When so many shards are committed, and these milliseconds later. */
  readonly afterCommits: number;
  readonly afterMs: number;
  /** How long a killed Redis stays away, or a worker stands still. */
  readonly awayMs: number;
}

export interface Scenario {
  readonly seed: number;
  readonly models: 'tiny' | 'real';
  readonly store: StoreKind;
  readonly command: CommandKind;
  readonly workers: number;
  /** null: a folder, or a good day. */
  readonly weather: Weather | null;
  /** Minutes by which the clock of each worker is wrong; in 'run', of its one process. */
  readonly clocks: readonly number[];
  readonly strikes: readonly Strike[];
}

export interface ScenarioChoice {
  /** Shards of the run. */
  readonly shards: number;
  readonly models: Scenario['models'];
  readonly stores: readonly StoreKind[];
}

export function drawScenario(seed: number, { shards, models, stores }: ScenarioChoice): Scenario {
  const random = seededRandom(seed, 'scenario');
  const store = oneOf(random, stores);
  const command = oneOf(random, ['run', 'run-shared', 'submit', 'submit'] as const);
  const workers = command === 'run' ? 0 : 1 + randomInt(random, 2);
  const weather: Weather | null =
    store === 'folder' || random() < 0.1
      ? null
      : {
          kinds: shuffle(random, [...WEATHERS]).slice(0, 1 + randomInt(random, 3)),
          rate: 0.01 + 0.1 * random(),
          faults: 5 + randomInt(random, 60),
        };
  const clocks = Array.from({ length: Math.max(1, workers) }, () =>
    random() < 0.2 ? oneOf(random, [-40, 40]) : 0,
  );
  const strikes = Array.from({ length: 1 + randomInt(random, 4) }, () =>
    drawStrike(random, command, workers, shards),
  ).sort((a, b) => a.afterCommits - b.afterCommits);
  return { seed, models, store, command, workers, weather, clocks, strikes };
}

function drawStrike(random: Random, command: CommandKind, workers: number, shards: number): Strike {
  const victims = {
    run: ['producer', 'producer', 'own-redis'],
    'run-shared': ['producer', 'worker', 'worker', 'suspended-worker', 'redis', 'redis-data'],
    submit: ['producer', 'worker', 'worker', 'worker', 'suspended-worker', 'redis', 'redis-data'],
  } as const;
  const victim = oneOf(random, victims[command]);
  return {
    victim,
    worker: randomInt(random, Math.max(1, workers)),
    // Before the first commit (listing, planning, feeding) as well as at the very end (finishing).
    afterCommits: random() < 0.25 ? 0 : random() < 0.2 ? shards : randomInt(random, shards),
    afterMs: randomInt(random, random() < 0.2 ? 2_000 : 200),
    // A worker long enough for its locks to run out.
    awayMs:
      victim === 'suspended-worker'
        ? 3_000 + randomInt(random, 5_000)
        : randomInt(random, random() < 0.3 ? 3_000 : 300),
  };
}

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[randomInt(random, values.length)]!;
}
