/** A FRA model as rows of the table: as it is, with postures at random, and with the posture taken away. */
import type { FraModel } from '../../fra/fraModel.ts';
import type { PostureBank } from '../../fra/postureBank.ts';
import { POSTURE_DIM } from '../../shared/face.ts';
import { randomInt, seededRandom } from '../../shared/random.ts';
import type { Combiner } from '../../worker/models/combiner.ts';
import type { Method, MethodSize, VariantRequest } from '../method.ts';
import { sourceOf } from '../method.ts';
import { rowsOf } from '../tasks/innerProducts.ts';
import type { Trial } from '../trials.ts';

export interface OpenedFra {
  /** Unique among the rows: the card's name, numbered where a row has it already. */
  readonly id: string;
  readonly model: FraModel;
  readonly combiner: Combiner;
  readonly size: MethodSize;
}

/** Ids of the rows of a model: its own, and those of its ablations. */
export function fraRowIds(id: string): readonly [string, string, string] {
  return [id, `${id}-posture-random`, `${id}-posture-removed`];
}

/** The generator's row first; its ablations name it. */
export function fraMethods(fra: OpenedFra): [Method, ...Method[]] {
  const { bank, card } = fra.model;
  const trainedOn = `${card.training.subjects} people: ${card.training.data}`;
  const [id, randomId, removedId] = fraRowIds(fra.id);
  const meanCode = meanPosture(bank);
  const near = nearPostures(bank);
  const row = (code: (request: VariantRequest, trial: Trial) => Float32Array): Method['prepare'] => {
    return async (trial) => ({
      generate: (requests) => combine(fra.combiner, requests, (request) => code(request, trial)),
      size: fra.size,
    });
  };
  return [
    {
      id,
      label: `FRA ${fra.id}`,
      kind: 'generator',
      trainedOn,
      prepare: row(({ person, variant, target }, { seed }) => {
        const choices = near(target.yaw);
        const random = seededRandom(seed, 'posture', person.subjectId, variant);
        return codeAt(bank, choices[randomInt(random, choices.length)]!);
      }),
    },
    {
      id: randomId,
      label: `FRA ${fra.id}, postures at random`,
      kind: 'ablation',
      of: fra.id,
      ablation: 'posture-random',
      trainedOn,
      note: 'Postures are drawn from the whole bank. Exchanging them among variants would leave a class mean as it is.',
      prepare: row(({ person, variant }, { seed }) =>
        codeAt(
          bank,
          randomInt(seededRandom(seed, 'any posture', person.subjectId, variant), bank.ids.length),
        ),
      ),
    },
    {
      id: removedId,
      label: `FRA ${fra.id}, posture removed`,
      kind: 'ablation',
      of: fra.id,
      ablation: 'posture-removed',
      trainedOn,
      note: 'Every variant gets the mean posture code of the bank.',
      prepare: row(() => meanCode),
    },
  ];
}

async function combine(
  combiner: Combiner,
  requests: readonly VariantRequest[],
  codeOf: (request: VariantRequest) => Float32Array,
): Promise<Float32Array[]> {
  if (requests.length === 0) return [];
  const identities = rowsOf(requests.map((request) => sourceOf(request).embedding));
  const embeddings = await combiner.combine(identities, rowsOf(requests.map(codeOf)));
  const dim = identities.length / requests.length;
  return requests.map((_, i) => embeddings.slice(i * dim, (i + 1) * dim));
}

/** Postures among which one is drawn: a single one would give everybody the same face shape. */
const NEAR = 5;

/**
 * The bank's postures nearest to a yaw, other angles near zero. There are as many targets as variants of a person: ranking
 * the bank for each variant took longer than generating it.
 */
function nearPostures({ yaw, pitch }: PostureBank): (target: number) => readonly number[] {
  const known = new Map<number, readonly number[]>();
  return (target) => {
    const distance = (i: number) => Math.hypot(yaw[i]! - target, pitch[i]!);
    const nearest =
      known.get(target) ??
      Array.from(yaw, (_, i) => i)
        .sort((a, b) => distance(a) - distance(b))
        .slice(0, NEAR);
    known.set(target, nearest);
    return nearest;
  };
}

function codeAt({ codes }: PostureBank, posture: number): Float32Array {
  return codes.subarray(posture * POSTURE_DIM, (posture + 1) * POSTURE_DIM);
}

function meanPosture({ codes, ids }: PostureBank): Float32Array {
  const mean = new Float32Array(POSTURE_DIM);
  for (let i = 0; i < codes.length; i++) mean[i % POSTURE_DIM]! += codes[i]! / ids.length;
  return mean;
}
