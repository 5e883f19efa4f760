/**
 * Residual MLP in the style of DREAM (Cao et al. 2018): x + gate(yaw) · MLP(x), the gate growing with the angle. The
 * original turns profiles to the front; here it learns the way out, from the same kind of pairs.
 */
import * as tf from '@tensorflow/tfjs-core';
import { matMul } from '../../fra/networks/tensorOps.ts';
import { type Random, randomInt, randomNormal, seededRandom } from '../../shared/random.ts';
import { type Method, sourceOf } from '../method.ts';
import { rowsOf, valuesOf } from '../tasks/innerProducts.ts';
import { standOut } from './chooseByPeople.ts';
import { oncePerPairs, type PairSource, type PosePair, sourcesOf } from './posePairs.ts';

const HIDDEN = 256;
const BATCH = 64;
const STEPS = 300;
const RATE = 1e-3;
/** Steps between two looks at held-out training people; the best look is kept. */
const LOOK_EVERY = 30;
const HELD_OUT_SHARE = 0.2;

export function dreamMlp(source: PairSource): Method {
  return {
    id: `dream-${source.id}`,
    label: 'DREAM-style MLP',
    kind: source.id === 'leaked' ? 'control' : 'rival',
    trainedOn: source.label,
    async prepare(trial) {
      const network = learn(source.pairs(trial));
      const dim = network.w2.length / HIDDEN;
      return {
        async generate(requests) {
          const sources = requests.map((request) => sourceOf(request).embedding);
          return predictAll(
            network,
            sources,
            requests.map(({ target }) => target.yaw),
          );
        },
        size: { parameters: 2 * dim * HIDDEN + dim + HIDDEN, multiplyAdds: 2 * dim * HIDDEN },
      };
    },
  };
}

/** Row-major D × HIDDEN, HIDDEN, HIDDEN × D, D. */
interface Mlp {
  readonly w1: Float32Array;
  readonly b1: Float32Array;
  readonly w2: Float32Array;
  readonly b2: Float32Array;
}

/** σ(4/π · |yaw| − 1), yaw in radians, as published. */
export function dreamGate(yaw: number): number {
  return 1 / (1 + Math.exp(1 - (4 / 180) * Math.abs(yaw)));
}

const learn = oncePerPairs((pairs): Mlp => {
  const random = seededRandom(0, 'dream');
  const people = [...new Set(pairs.map(({ subjectId }) => subjectId))].sort();
  // With few people everybody is needed, and the last step is kept.
  const held = new Set(
    people.length < 8 ? [] : people.filter((_, i) => i % Math.round(1 / HELD_OUT_SHARE) === 0),
  );
  const training = pairs.filter(({ subjectId }) => !held.has(subjectId));
  const judging = pairs.filter(({ subjectId }) => held.has(subjectId));
  const dim = pairs[0]!.source.length;
  const variables = startVariables(dim, random);
  const optimiser = tf.train.adam(RATE);
  let best = readMlp(variables);
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let step = 1; step <= STEPS; step++) {
    const batch = Array.from({ length: BATCH }, () => training[randomInt(random, training.length)]!);
    optimiser.minimize(() => batchLoss(variables, batch));
    if (step % LOOK_EVERY !== 0) continue;
    const current = readMlp(variables);
    const score =
      judging.length === 0 ? step : standOut({ predict: (part) => predictPairs(current, part) }, judging);
    if (score > bestScore) [best, bestScore] = [current, score];
  }
  tf.dispose(variables);
  optimiser.dispose();
  return best;
});

function predictPairs(network: Mlp, pairs: readonly PosePair[]): Float32Array[] {
  return predictAll(
    network,
    sourcesOf(pairs),
    pairs.map(({ yaw }) => yaw),
  );
}

interface MlpVariables extends tf.NamedTensorMap {
  readonly w1: tf.Variable<tf.Rank.R2>;
  readonly b1: tf.Variable<tf.Rank.R1>;
  readonly w2: tf.Variable<tf.Rank.R2>;
  readonly b2: tf.Variable<tf.Rank.R1>;
}

/** Second layer near zero: training starts at the identity. */
function startVariables(dim: number, random: Random): MlpVariables {
  const normal = (count: number, spread: number) =>
    Float32Array.from({ length: count }, () => spread * randomNormal(random));
  return {
    w1: tf.variable(tf.tensor2d(normal(dim * HIDDEN, Math.sqrt(2 / dim)), [dim, HIDDEN])),
    b1: tf.variable(tf.zeros<tf.Rank.R1>([HIDDEN])),
    w2: tf.variable(tf.tensor2d(normal(dim * HIDDEN, 1e-3), [HIDDEN, dim])),
    b2: tf.variable(tf.zeros<tf.Rank.R1>([dim])),
  };
}

function readMlp({ w1, b1, w2, b2 }: MlpVariables): Mlp {
  const read = (tensor: tf.Tensor) => Float32Array.from(tensor.dataSync());
  return { w1: read(w1), b1: read(b1), w2: read(w2), b2: read(b2) };
}

/** x (B,D), gate (B,1) → (B,D). */
function forward({ w1, b1, w2, b2 }: MlpVariables, x: tf.Tensor2D, gate: tf.Tensor2D): tf.Tensor2D {
  const hidden = tf.relu(tf.add(matMul(x, w1 as tf.Tensor2D), b1)) as tf.Tensor2D;
  return tf.add(x, tf.mul(gate, tf.add(matMul(hidden, w2 as tf.Tensor2D), b2)));
}

/** Mean squared distance to the target. */
function batchLoss(variables: MlpVariables, batch: readonly PosePair[]): tf.Scalar {
  const dim = batch[0]!.source.length;
  const x = tf.tensor2d(rowsOf(batch.map(({ source }) => source)), [batch.length, dim]);
  const wanted = tf.tensor2d(rowsOf(batch.map(({ target }) => target)), [batch.length, dim]);
  const gate = tf.tensor2d(
    batch.map(({ yaw }) => dreamGate(yaw)),
    [batch.length, 1],
  );
  const distance = tf.sum(tf.square(tf.sub(forward(variables, x, gate), wanted)), 1);
  return tf.mean(distance) as tf.Scalar;
}

function predictAll(
  { w1, b1, w2, b2 }: Mlp,
  sources: readonly Float32Array[],
  yaws: readonly number[],
): Float32Array[] {
  if (sources.length === 0) return [];
  const dim = b2.length;
  const values = valuesOf(() => {
    const x = tf.tensor2d(rowsOf(sources), [sources.length, dim]);
    const gate = tf.tensor2d(yaws.map(dreamGate), [yaws.length, 1]);
    const hidden = tf.relu(tf.add(tf.matMul(x, tf.tensor2d(w1, [dim, HIDDEN])), b1)) as tf.Tensor2D;
    return tf.add(x, tf.mul(gate, tf.add(tf.matMul(hidden, tf.tensor2d(w2, [HIDDEN, dim])), b2)));
  });
  return sources.map((_, i) => Float32Array.from(values.subarray(i * dim, (i + 1) * dim)));
}
