/**
 * Fits the closed-form generators: the pose read-out, then one local regression for every function of the pose basis.
 * Penalties and rank are chosen by the judge, that is on validation people.
 */
import * as tf from '@tensorflow/tfjs-core';
import { ConfigError } from '../../shared/errors.ts';
import type { LinearMapConfig, PoseBasis } from '../generators/generatorConfig.ts';
import { basisAt, PITCH_UNIT } from '../generators/poseBasis.ts';
import { valuesOf } from '../networks/tensorOps.ts';
import type { NamedWeights, WeightValues } from '../networks/weights.ts';
import { frontalSamples, type PairSample } from './pairs.ts';
import { fitPoseReadOut, type PoseReadOut } from './poseReadOut.ts';
import { eigen, type LinearFit, type RidgePath, ridgePath } from './ridge.ts';

/** Lower is better; on validation people. */
export type Judge = (config: LinearMapConfig, weights: NamedWeights) => number;

export interface SolveRequest {
  readonly kind: LinearMapConfig['kind'];
  readonly identityDim: number;
  /** Degrees; knots that too few training faces are near to are left out. */
  readonly knots: readonly number[];
  readonly pitch: boolean;
  readonly training: readonly PairSample[];
  readonly validation: readonly PairSample[];
  readonly judge: Judge;
  /** Told what was chosen, and from what. */
  readonly note: (line: string) => void;
}

export interface Solution {
  readonly config: LinearMapConfig;
  readonly weights: NamedWeights;
}

/** In units of the mean squared length of an identity a dimension. */
const PENALTIES = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000];
const RANKS = [16, 32, 64, 128, 256];
/** A smaller rank is taken when it costs less than this of the judge's loss. */
const RANK_TOLERANCE = 0.002;
/** Faces (weighted by the hat) and people a knot needs. */
const MIN_KNOT_FACES = 24;
const MIN_KNOT_PEOPLE = 4;
/** Rows that low-rank directions are estimated from. */
const DIRECTION_ROWS = 4000;

/** A person's near-frontal embedding, and the same person elsewhere. */
interface Turn {
  readonly source: PairSample;
  readonly target: PairSample;
  /** Basis values at the target's pose, as read off its posture. */
  readonly basis: readonly number[];
}

/** @throws ConfigError when no knot has enough faces. */
export function solveLinear(request: SolveRequest): Solution {
  const { kind, identityDim, training, note } = request;
  const readOut = fitPoseReadOut(training, request.validation);
  note(`pose read off the posture: yaw off by ${readOut.error.toFixed(1)}° on validation people`);
  const turns = makeTurns(training);
  const basis = usableBasis(request, turns, readOut);
  const placed: Turn[] = turns.map((turn) => {
    const { yaw, pitch } = readOut.read(turn.target);
    return { ...turn, basis: basisAt(basis, yaw, pitch) };
  });
  note(`${turns.length} pairs; knots at ${basis.knots.join(' ')}° of yaw${basis.pitch ? ', and pitch' : ''}`);

  const hats = basis.knots.map((_, k) => hatPath(placed, k, identityDim));
  const offsetsOnly = hats.map(({ meanOutput }): LinearFit => ({ map: EMPTY, offset: meanOutput }));
  if (kind === 'mean-offset') {
    const ramps = basis.pitch ? pitchPaths(placed, offsetsOnly, identityDim) : [];
    const all = [...offsetsOnly, ...ramps.map(({ meanOutput }) => ({ map: EMPTY, offset: meanOutput }))];
    return {
      config: { kind, identityDim, basis },
      weights: new Map([...readOut.weights, ['offset', offsetRows(all, identityDim)]]),
    };
  }
  const assemble = (fits: readonly LinearFit[], lambda: number): Solution => ({
    config: { kind, identityDim, basis, rank: identityDim, lambda },
    weights: new Map<string, WeightValues>([
      ...readOut.weights,
      ['offset', offsetRows(fits, identityDim)],
      ['map.weight', sideBySide(fits, identityDim)],
    ]),
  });
  const flat = Array.from({ length: basis.pitch ? 2 : 0 }, () => zeroFit(identityDim));
  const level = choose('yaw, penalty', PENALTIES, request, (lambda) =>
    assemble([...hats.map((path) => path.solve(lambda)), ...flat], lambda),
  );
  const fits = hats.map((path) => path.solve(level.value));
  const ramps = basis.pitch ? pitchPaths(placed, fits, identityDim) : [];
  const best = basis.pitch
    ? choose('pitch, penalty', PENALTIES, request, (lambda) =>
        assemble([...fits, ...ramps.map((path) => path.solve(lambda))], level.value),
      )
    : level;
  return lowerRank(best.solution, best.loss, placed, request);
}

const EMPTY = new Float32Array(0);

function zeroFit(identityDim: number): LinearFit {
  return { map: new Float32Array(identityDim ** 2), offset: new Float32Array(identityDim) };
}

/** The candidate that the judge likes best. */
function choose(
  what: string,
  candidates: readonly number[],
  { judge, note }: SolveRequest,
  make: (value: number) => Solution,
): { value: number; loss: number; solution: Solution } {
  const tried = candidates.map((value) => {
    const solution = make(value);
    return { value, loss: judge(solution.config, solution.weights), solution };
  });
  const best = tried.reduce((least, next) => (next.loss < least.loss ? next : least));
  const line = tried.map(({ value, loss }) => `${value}: ${loss.toFixed(4)}`).join(', ');
  note(`${what} ${best.value} (${line})`);
  return best;
}

/** Every near-frontal sample of a person with every other sample of theirs. */
function makeTurns(training: readonly PairSample[]): Omit<Turn, 'basis'>[] {
  const people = new Map<string, PairSample[]>();
  for (const sample of training) {
    const own = people.get(sample.subjectId) ?? [];
    own.push(sample);
    people.set(sample.subjectId, own);
  }
  return [...people.values()].flatMap((own) =>
    frontalSamples(own).flatMap((source) =>
      own.filter((target) => target !== source).map((target) => ({ source, target })),
    ),
  );
}

/** The requested basis without the knots, or the pitch, that training faces do not show. */
function usableBasis(
  { knots, pitch }: SolveRequest,
  turns: readonly Omit<Turn, 'basis'>[],
  { read }: PoseReadOut,
): PoseBasis {
  const poses = turns.map(({ target }) => ({ ...read(target), subjectId: target.subjectId }));
  const full = { knots: [...knots], pitch: false };
  const values = poses.map((pose) => basisAt(full, pose.yaw, 0));
  const shown = knots.filter((_, k) => {
    const faces = values.reduce((sum, value) => sum + value[k]!, 0);
    const people = new Set(
      poses.filter((_pose, i) => values[i]![k]! > 0.25).map(({ subjectId }) => subjectId),
    );
    return faces >= MIN_KNOT_FACES && people.size >= MIN_KNOT_PEOPLE;
  });
  if (shown.length === 0) {
    throw new ConfigError('too-few-pairs', 'expected more pairs of one person at two poses', {
      pairs: turns.length,
    });
  }
  const tilted = (sign: number) =>
    new Set(poses.filter((pose) => sign * pose.pitch > PITCH_UNIT / 2).map(({ subjectId }) => subjectId))
      .size;
  return {
    knots: shown,
    pitch: pitch && shown.length > 1 && Math.min(tilted(1), tilted(-1)) >= MIN_KNOT_PEOPLE,
  };
}

/** Changes of the turns near knot k, on the identity. */
function hatPath(turns: readonly Turn[], k: number, identityDim: number): RidgePath {
  const near = turns.filter(({ basis }) => basis[k]! > 0);
  return ridgePath(
    {
      inputs: flatten(near.map(({ source }) => source.embedding)),
      outputs: flatten(near.map(changeOf)),
      weights: Float32Array.from(near, ({ basis }) => basis[k]!),
    },
    { inputs: identityDim, outputs: identityDim },
  );
}

function changeOf({ source, target }: Turn): Float32Array {
  return target.embedding.map((value, i) => value - source.embedding[i]!);
}

/** The two pitch ramps on what the hats leave: looking up, looking down. */
function pitchPaths(
  turns: readonly Turn[],
  hats: readonly LinearFit[],
  identityDim: number,
): readonly RidgePath[] {
  return [0, 1].map((side) => {
    const f = hats.length + side;
    const near = turns.filter((turn) => turn.basis[f]! > 0.1);
    const predicted = predictChanges(near, hats, identityDim);
    return ridgePath(
      {
        inputs: flatten(near.map(({ source }) => source.embedding)),
        outputs: flatten(
          near.map((turn, i) =>
            changeOf(turn).map((value, d) => (value - predicted[i * identityDim + d]!) / turn.basis[f]!),
          ),
        ),
        weights: Float32Array.from(near, (turn) => turn.basis[f]! ** 2),
      },
      { inputs: identityDim, outputs: identityDim },
    );
  });
}

/** Σ_f φ_f·(W_f·identity + b_f) of every turn over the given functions: rows × D. */
function predictChanges(
  turns: readonly Turn[],
  fits: readonly LinearFit[],
  identityDim: number,
): Float32Array {
  const rows = turns.length;
  return valuesOf(() => {
    const identities = tf.tensor2d(flatten(turns.map(({ source }) => source.embedding)), [rows, identityDim]);
    let sum: tf.Tensor2D = tf.zeros([rows, identityDim]);
    fits.forEach(({ map, offset }, f) => {
      const shares = tf.tensor2d(
        turns.map(({ basis }) => basis[f]!),
        [rows, 1],
      );
      const offsets = tf.tensor2d(offset, [1, identityDim]);
      const change =
        map.length === 0
          ? offsets
          : tf.add(tf.matMul(identities, tf.tensor2d(map, [identityDim, identityDim])), offsets);
      sum = tf.add(sum, tf.mul(shares, change));
    });
    return sum;
  });
}

/** The smallest rank that loses nothing: directions are those in which predicted changes vary most. */
function lowerRank(
  { config, weights }: Solution,
  loss: number,
  turns: readonly Turn[],
  { identityDim, judge, note }: SolveRequest,
): Solution {
  if (config.kind !== 'ridge') return { config, weights };
  const functions = config.basis.knots.length + (config.basis.pitch ? 2 : 0);
  const map = weights.get('map.weight')!.values;
  const every = Math.max(1, Math.floor(turns.length / DIRECTION_ROWS));
  const some = turns.filter((_, i) => i % every === 0);
  const fits = Array.from(
    { length: functions },
    (_, f): LinearFit => ({
      map: columnsOf(map, f, functions, identityDim),
      offset: new Float32Array(identityDim),
    }),
  );
  const changes = predictChanges(some, fits, identityDim);
  const gram = valuesOf(() => {
    const x = tf.tensor2d(changes, [some.length, identityDim]);
    const centred = tf.sub(x, tf.mean(x, 0, true));
    return tf.matMul(tf.transpose(centred), centred);
  });
  const { vectors } = eigen(gram, identityDim);
  for (const rank of RANKS.filter((candidate) => candidate < identityDim)) {
    // Eigenvalues ascend: the last columns are the directions wanted. (R,D)
    const directions = Float32Array.from({ length: rank * identityDim }, (_, i) => {
      const [r, d] = [Math.floor(i / identityDim), i % identityDim];
      return vectors[d * identityDim + (identityDim - 1 - r)]!;
    });
    const projected = fits.map(({ map: own }) =>
      valuesOf(() =>
        tf.matMul(
          tf.tensor2d(own, [identityDim, identityDim]),
          tf.transpose(tf.tensor2d(directions, [rank, identityDim])),
        ),
      ),
    );
    const lower: Solution = {
      config: { ...config, rank },
      weights: new Map<string, WeightValues>([
        ...weights,
        ['map.weight', joinColumns(projected, identityDim, rank)],
        ['directions', { shape: [rank, identityDim], values: directions }],
      ]),
    };
    const lowerLoss = judge(lower.config, lower.weights);
    if (lowerLoss <= loss + RANK_TOLERANCE) {
      note(`rank ${rank} of ${identityDim} (loss ${lowerLoss.toFixed(4)} against ${loss.toFixed(4)})`);
      return lower;
    }
  }
  note(`full rank ${identityDim}`);
  return { config, weights };
}

function offsetRows(fits: readonly LinearFit[], identityDim: number): WeightValues {
  return { shape: [fits.length, identityDim], values: flatten(fits.map(({ offset }) => offset)) };
}

function sideBySide(fits: readonly LinearFit[], identityDim: number): WeightValues {
  return joinColumns(
    fits.map(({ map }) => map),
    identityDim,
    identityDim,
  );
}

/** Matrices (D,R) → (D, F·R), function by function. */
function joinColumns(maps: readonly Float32Array[], rows: number, width: number): WeightValues {
  const values = new Float32Array(maps.length * rows * width);
  maps.forEach((map, f) => {
    for (let row = 0; row < rows; row++) {
      values.set(map.subarray(row * width, (row + 1) * width), (row * maps.length + f) * width);
    }
  });
  return { shape: [rows, maps.length * width], values };
}

/** Function f of (D, F·D) → (D,D). */
function columnsOf(map: Float32Array, f: number, functions: number, dim: number): Float32Array {
  const own = new Float32Array(dim * dim);
  for (let row = 0; row < dim; row++) {
    const start = (row * functions + f) * dim;
    own.set(map.subarray(start, start + dim), row * dim);
  }
  return own;
}

function flatten(vectors: readonly Float32Array[]): Float32Array {
  const width = vectors[0]?.length ?? 0;
  const values = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    values.set(vector, i * width);
  });
  return values;
}
