/** Several answers about the same points → the points that the closest half of them agree on. */

/** Root mean square distance of corresponding points x0,y0,…. */
export function pointDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / (a.length / 2));
}

export interface AgreedPoints {
  readonly points: Float32Array;
  readonly spread: number;
}

/**
 * Mean of the half of the answers that lies closest around the most central one, and the spread of all answers about
 * that mean: root mean square distance over `scale`. A median a coordinate would mix layouts that exclude each other.
 */
export function agreedPoints(answers: readonly Float32Array[], scale: number): AgreedPoints {
  const half = Math.ceil(answers.length / 2);
  const distances = pairDistances(answers);
  let closest: readonly Float32Array[] = answers;
  let smallestRadius = Number.POSITIVE_INFINITY;
  for (const fromCentre of distances) {
    const nearest = [...answers.keys()].sort((a, b) => fromCentre[a]! - fromCentre[b]!).slice(0, half);
    const radius = fromCentre[nearest.at(-1)!]!;
    if (radius < smallestRadius) {
      smallestRadius = radius;
      closest = nearest.map((i) => answers[i]!);
    }
  }
  const points = new Float32Array(answers[0]?.length ?? 0);
  for (const answer of closest) {
    for (let i = 0; i < points.length; i++) points[i]! += answer[i]! / closest.length;
  }
  const squares = answers.reduce((sum, answer) => sum + pointDistance(points, answer) ** 2, 0);
  return { points, spread: Math.sqrt(squares / answers.length) / scale };
}

/** Distance of every answer from every other, each pair measured once. */
function pairDistances(answers: readonly Float32Array[]): readonly Float64Array[] {
  const distances = answers.map(() => new Float64Array(answers.length));
  answers.forEach((a, i) => {
    for (let j = i + 1; j < answers.length; j++) {
      const distance = pointDistance(a, answers[j]!);
      distances[i]![j] = distance;
      distances[j]![i] = distance;
    }
  });
  return distances;
}
