/**
 * Fits the closed-form generators: the pose read-out, then one local regression for every function of the pose basis.
 * Penalties and rank are chosen by the judge, that is on validation people.
 */
import type { LinearMapConfig } from '../generators/generatorConfig.ts';
import { basisAt } from '../generators/poseBasis.ts';
import type { NamedWeights, WeightValues } from '../networks/weights.ts';
import { joinColumns, lowerRank } from './lowerRank.ts';
import type { PairSample } from './pairs.ts';
import { fitPoseReadOut } from './poseReadOut.ts';
import { type LinearFit, type RidgePath, ridgePath } from './ridge.ts';
import { changeOf, flatten, makeTurns, predictChanges, type Turn, usableBasis } from './turns.ts';

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
