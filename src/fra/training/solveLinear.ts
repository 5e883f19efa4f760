/**
 * Fits the closed-form generators: the pose read-out, then one local regression for every function of the pose basis.
 * Penalties and rank are chosen by the judge, that is on validation people.
 */
import { basisAt } from '../generators/poseBasis.ts';
import type { WeightValues } from '../networks/weights.ts';
import { joinColumns, lowerRank } from './lowerRank.ts';
import { fitPoseReadOut } from './poseReadOut.ts';
import { type LinearFit, type RidgePath, ridgePath } from './ridge.ts';
import type { Solution, SolveRequest } from './solveRequest.ts';
import { changeOf, flatten, makeTurns, predictChanges, type Turn, usableBasis } from './turns.ts';

/** In units of the mean squared length of an identity a dimension. */
const PENALTIES = [0.3, 1, 3, 10, 30, 100, 300, 1000];
/** Shares of the best common factor that penalties draw towards (`RidgePath.solve`). */
const SCALINGS = [0, 0.5, 0.75, 1];

interface Prior {
  readonly lambda: number;
  readonly scaling: number;
}

/** @throws ConfigError when no knot has enough faces. */
export function solveLinear(request: SolveRequest): Solution {
  const { kind, identityDim, training, note } = request;
  const readOut = fitPoseReadOut(training, request.validation);
  note(`pose read off the posture: yaw off by ${readOut.error.toFixed(1)}° on validation people`);
  const turns = makeTurns(training);
  const basis = usableBasis(request, turns, readOut.read);
  const placed: Turn[] = turns.map((turn) => {
    const { yaw, pitch } = readOut.read(turn.target);
    return { ...turn, basis: basisAt(basis, yaw, pitch) };
  });
  note(`${turns.length} pairs; knots at ${basis.knots.join(' ')}° of yaw${basis.pitch ? ', and pitch' : ''}`);

  const hats = basis.knots.map((_, k) => hatPath(placed, k, identityDim));
  const offsetsOnly = hats.map(({ meanOutput }): LinearFit => ({ map: EMPTY, scale: 0, offset: meanOutput }));
  if (kind === 'mean-offset') {
    const ramps = basis.pitch ? pitchPaths(placed, offsetsOnly, identityDim) : [];
    const all = [
      ...offsetsOnly,
      ...ramps.map(({ meanOutput }) => ({ map: EMPTY, scale: 0, offset: meanOutput })),
    ];
    return {
      config: { kind, identityDim, basis },
      weights: new Map([...readOut.weights, ['offset', offsetRows(all, identityDim)]]),
    };
  }
  const assemble = (fits: readonly LinearFit[], { lambda, scaling }: Prior): Solution => ({
    config: { kind, identityDim, basis, rank: identityDim, lambda, scaling },
    weights: new Map<string, WeightValues>([
      ...readOut.weights,
      ['offset', offsetRows(fits, identityDim)],
      ['scale', { shape: [fits.length, 1], values: Float32Array.from(fits, ({ scale }) => scale) }],
      ['map.weight', sideBySide(fits, identityDim)],
    ]),
  });
  const flat = Array.from({ length: basis.pitch ? 2 : 0 }, () => zeroFit(identityDim));
  const priors = SCALINGS.flatMap((scaling) => PENALTIES.map((lambda) => ({ lambda, scaling })));
  const level = choose('yaw', priors, request, (prior) =>
    assemble([...hats.map((path) => path.solve(prior.lambda, prior.scaling)), ...flat], prior),
  );
  const fits = hats.map((path) => path.solve(level.prior.lambda, level.prior.scaling));
  const ramps = basis.pitch ? pitchPaths(placed, fits, identityDim) : [];
  const best = basis.pitch
    ? choose(
        'pitch',
        PENALTIES.map((lambda) => ({ lambda, scaling: 0 })),
        request,
        ({ lambda }) => assemble([...fits, ...ramps.map((path) => path.solve(lambda))], level.prior),
      )
    : level;
  return lowerRank(best.solution, best.loss, placed, request);
}

const EMPTY = new Float32Array(0);

function zeroFit(identityDim: number): LinearFit {
  return { map: new Float32Array(identityDim ** 2), scale: 0, offset: new Float32Array(identityDim) };
}

/** What the judge likes best; the best of every scaling is noted. */
function choose(
  what: string,
  priors: readonly Prior[],
  { judge, note }: SolveRequest,
  make: (prior: Prior) => Solution,
): { prior: Prior; loss: number; solution: Solution } {
  let best: { prior: Prior; loss: number; solution: Solution } | undefined;
  const tried = priors.map((prior) => {
    const solution = make(prior);
    const loss = judge(solution.config, solution.weights);
    if (best === undefined || loss < best.loss) best = { prior, loss, solution };
    return { ...prior, loss };
  });
  const { prior, loss } = best!;
  const others = tried
    .filter(({ scaling }) => scaling === prior.scaling)
    .map((other) => `${other.lambda}: ${other.loss.toFixed(4)}`);
  const unscaled = Math.min(...tried.filter(({ scaling }) => scaling === 0).map((other) => other.loss));
  note(
    `${what}: scaling ${prior.scaling}, penalty ${prior.lambda} (${others.join(', ')}; without scaling ${unscaled.toFixed(4)})`,
  );
  return { prior, loss, solution: best!.solution };
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
