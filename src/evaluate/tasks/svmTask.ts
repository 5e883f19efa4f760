/** Identification by support vector machines on enrolment photographs and variants. */
import type { Gallery, Probe } from '../gallery.ts';
import { innerProducts } from './innerProducts.ts';
import { classifyBySvm, rbfKernel } from './supportVectors.ts';

export interface SvmSettings {
  readonly linearCost: number;
  readonly rbfCost: number;
  readonly rbfGamma: number;
}

const COSTS = [1, 10, 100] as const;
/** Of unit vectors, whose squared distances lie between 0 and 4. */
const GAMMAS = [0.5, 2] as const;

/**
 * Price and kernel width by the accuracy on the training people's probes. Chosen once a trial, on the row with jitter,
 * and used for every row, so that no row can gain by being tuned more.
 */
export async function chooseSvmSettings(gallery: Gallery): Promise<SvmSettings> {
  const { trial, embed } = gallery;
  const probes = trial.training.flatMap((person) =>
    person.probes.map((photograph) => ({ person, photograph, embedding: embed(photograph) })),
  );
  const problem = problemOf(gallery, probes);
  const accuracy = (answers: readonly number[]) =>
    answers.filter((answer, i) => answer === probes[i]!.person.index).length;
  let [linearCost, bestLinear] = [1, -1];
  for (const cost of COSTS) {
    const right = accuracy(await classifyBySvm({ ...problem, cost }));
    if (right > bestLinear) [linearCost, bestLinear] = [cost, right];
  }
  let [rbfCost, rbfGamma, bestRbf] = [1, 1, -1];
  for (const gamma of GAMMAS) {
    const rbf = rbfProblem(problem, gamma);
    for (const cost of COSTS) {
      const right = accuracy(await classifyBySvm({ ...rbf, cost }));
      if (right > bestRbf) [rbfCost, rbfGamma, bestRbf] = [cost, gamma, right];
    }
  }
  return { linearCost, rbfCost, rbfGamma };
}

/** The class of each probe, by both kernels. */
export async function svmAnswers(
  gallery: Gallery,
  { linearCost, rbfCost, rbfGamma }: SvmSettings,
): Promise<{ linear: number[]; rbf: number[] }> {
  const problem = problemOf(gallery, gallery.probes);
  return {
    linear: await classifyBySvm({ ...problem, cost: linearCost }),
    rbf: await classifyBySvm({ ...rbfProblem(problem, rbfGamma), cost: rbfCost }),
  };
}

interface KernelProblem {
  readonly kernel: Float64Array;
  readonly tested: Float64Array;
  readonly labels: readonly number[];
}

function problemOf({ enrolled }: Gallery, probes: readonly Pick<Probe, 'embedding'>[]): KernelProblem {
  const { embeddings, labels } = labelled(enrolled);
  return {
    labels,
    kernel: innerProducts(embeddings, embeddings),
    tested: innerProducts(
      probes.map(({ embedding }) => embedding),
      embeddings,
    ),
  };
}

function rbfProblem({ kernel, tested, labels }: KernelProblem, gamma: number): KernelProblem {
  return { labels, kernel: rbfKernel(kernel, gamma), tested: rbfKernel(tested, gamma) };
}

/** Every embedding of the gallery with its class. */
export function labelled(enrolled: Gallery['enrolled']): { embeddings: Float32Array[]; labels: number[] } {
  const embeddings: Float32Array[] = [];
  const labels: number[] = [];
  for (const { person, enrol, variants } of enrolled) {
    for (const embedding of [...enrol, ...variants.map((variant) => variant.embedding)]) {
      embeddings.push(embedding);
      labels.push(person.index);
    }
  }
  return { embeddings, labels };
}
