/** Linear probes: what a ridge regression reads off a vector, learnt from people other than those it is asked about. */
import { ridgePath } from '../../src/fra/training/ridge.ts';
import { seededRandom, shuffle } from '../../src/shared/random.ts';

/** One face a probe learns from. */
export interface ProbeRow {
  readonly subjectId: string;
  readonly input: Float32Array;
  /** What is to be read off: one number an output. */
  readonly outputs: readonly number[];
  /** ≥ 0. */
  readonly weight: number;
}

export type Probe = (input: Float32Array) => Float64Array;

/** In units of the mean variance of a direction of the inputs, whose features all have variance 1. */
const PENALTIES = [1e-4, 1e-3, 1e-2, 0.1, 1, 10];
/** Of the people, those who choose the penalty. */
const CHOOSING_SHARE = 0.2;

/** Deals people to `folds` groups of about the same size. */
export function dealPeople(people: Iterable<string>, folds: number, seed: number): Map<string, number> {
  const order = shuffle(seededRandom(seed, 'folds'), [...new Set(people)].sort());
  return new Map(order.map((subjectId, i) => [subjectId, i % folds]));
}

/** Penalties, one an output, are chosen on a fifth of the people; then everybody teaches. */
export function fitProbe(rows: readonly ProbeRow[], seed: number): Probe {
  const groups = dealPeople(
    rows.map(({ subjectId }) => subjectId),
    Math.round(1 / CHOOSING_SHARE),
    seed,
  );
  const scale = fitScale(rows);
  const teach = rows.filter(({ subjectId }) => groups.get(subjectId) !== 0);
  const choose = rows.filter(({ subjectId }) => groups.get(subjectId) === 0);
  const tried = fitAll(teach, scale);
  const best = rows[0]!.outputs.map((_, output) => {
    const errors = tried.map((probe) =>
      choose.reduce(
        (sum, { input, outputs, weight }) => sum + weight * (probe(input)[output]! - outputs[output]!) ** 2,
        0,
      ),
    );
    return errors.indexOf(Math.min(...errors));
  });
  const all = fitAll(rows, scale);
  const chosen = new Map(best.map((penalty) => [penalty, all[penalty]!]));
  return (input) => {
    const answers = new Map([...chosen].map(([penalty, probe]) => [penalty, probe(input)]));
    return Float64Array.from(best, (penalty, output) => answers.get(penalty)![output]!);
  };
}

/** One probe a penalty. */
function fitAll(rows: readonly ProbeRow[], scale: Scale): Probe[] {
  const [inputs, outputs] = [scale.mean.length, rows[0]!.outputs.length];
  const values = new Float32Array(rows.length * inputs);
  rows.forEach(({ input }, i) => {
    values.set(apply(scale, input), i * inputs);
  });
  const path = ridgePath(
    {
      inputs: values,
      outputs: Float32Array.from(rows.flatMap((row) => row.outputs)),
      weights: Float32Array.from(rows, ({ weight }) => weight),
    },
    { inputs, outputs },
  );
  return PENALTIES.map((penalty) => {
    const { map, offset } = path.solve(penalty);
    return (input) => {
      const answer = Float64Array.from(offset);
      apply(scale, input).forEach((value, i) => {
        for (let o = 0; o < outputs; o++) answer[o]! += value * map[i * outputs + o]!;
      });
      return answer;
    };
  });
}

/** Every feature to mean 0 and variance 1/I, so that inputs have unit length on average; constant ones to 0. */
interface Scale {
  readonly mean: Float64Array;
  readonly factor: Float64Array;
}

function fitScale(rows: readonly ProbeRow[]): Scale {
  const width = rows[0]!.input.length;
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (const { input } of rows) for (let i = 0; i < width; i++) mean[i]! += input[i]! / rows.length;
  for (const { input } of rows)
    for (let i = 0; i < width; i++) square[i]! += (input[i]! - mean[i]!) ** 2 / rows.length;
  const largest = Math.max(...square);
  return {
    mean,
    factor: square.map((variance) => (variance > 1e-8 * largest ? 1 / Math.sqrt(variance * width) : 0)),
  };
}

function apply({ mean, factor }: Scale, input: Float32Array): Float32Array {
  return input.map((value, i) => (value - mean[i]!) * factor[i]!);
}
