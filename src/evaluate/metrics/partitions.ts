/** Clustering: how well a partition of faces agrees with the people in them. */

/** Three readings of agreement, each 0–1, 1 for equal partitions. */
export interface PartitionAgreement {
  /**
   * F of precision and recall over pairs of faces in one cluster. Copies of a person who counts twice meet other
   * people, not each other: a face would be paired with itself, which is always right. So a person's own pairs weigh as
   * the person does, pairs of two people as the product, and their expectations over draws stay in proportion, but for
   * one part in as many as there are people.
   */
  readonly pairwiseF: number;
  /** F of BCubed precision and recall (Bagga and Baldwin 1998), means over faces. */
  readonly bcubed: number;
  /** Mutual information over the mean of the two entropies. */
  readonly nmi: number;
}

/** Of people by their labels: how often each counts. */
export type PersonWeight = (person: number) => number;

/**
 * Compares clusters with people; entry i of both lists is face i. The answer is a function of how often each person
 * counts, because a bootstrap asks thousands of times: only the first call looks at the faces. For BCubed and NMI, a
 * person who counts twice has twice the faces. None is linear in the weights: draws are biased (`recentre`).
 */
export function comparePartitions(
  clusters: ArrayLike<number>,
  people: ArrayLike<number>,
): (weightOf?: PersonWeight) => PartitionAgreement {
  const clusterNumbers = numbers(clusters);
  const personNumbers = numbers(people);
  const cells = new Map<number, { cluster: number; person: number; faces: number }>();
  for (let i = 0; i < clusters.length; i++) {
    const [cluster, person] = [clusterNumbers.get(clusters[i]!)!, personNumbers.get(people[i]!)!];
    const key = cluster * personNumbers.size + person;
    const cell = cells.get(key) ?? { cluster, person, faces: 0 };
    cell.faces++;
    cells.set(key, cell);
  }
  const table = [...cells.values()];
  const labels = [...personNumbers.keys()];
  return (weightOf = () => 1) => {
    const each = Float64Array.from(labels, weightOf);
    return agreement(
      table.flatMap(({ cluster, person, faces }) => {
        const times = each[person]!;
        return times === 0 ? [] : [{ cluster, person, faces, times }];
      }),
      clusterNumbers.size,
      personNumbers.size,
    );
  };
}

interface Cell {
  readonly cluster: number;
  readonly person: number;
  /** Of the person, in the cluster. */
  readonly faces: number;
  /** How often the person counts; above 0. */
  readonly times: number;
}

function agreement(cells: readonly Cell[], clusters: number, people: number): PartitionAgreement {
  const inCluster = new Float64Array(clusters);
  const ofPerson = new Float64Array(people);
  let total = 0;
  for (const { cluster, person, faces, times } of cells) {
    const weight = faces * times;
    inCluster[cluster]! += weight;
    ofPerson[person]! += weight;
    total += weight;
  }
  let [together, belonging, withOthers] = [0, 0, 0];
  let [precision, recall, information] = [0, 0, 0];
  for (const { cluster, person, faces, times } of cells) {
    const weight = faces * times;
    const [a, b] = [inCluster[cluster]!, ofPerson[person]!];
    together += (weight * (faces - 1)) / 2;
    belonging += (weight * (b / times - 1)) / 2;
    withOthers += (weight * (a - weight)) / 2;
    precision += (weight * weight) / a / total;
    recall += (weight * weight) / b / total;
    information += (weight / total) * Math.log((weight * total) / (a * b));
  }
  const sum = (sizes: Float64Array, of: (size: number) => number) =>
    sizes.reduce((result, size) => (size === 0 ? result : result + of(size)), 0);
  const allPairs = together + withOthers + belonging;
  const entropy = (size: number) => (-size / total) * Math.log(size / total);
  const entropies = (sum(inCluster, entropy) + sum(ofPerson, entropy)) / 2;
  return {
    pairwiseF: allPairs === 0 ? 1 : (2 * together) / allPairs,
    bcubed: (2 * precision * recall) / (precision + recall),
    // Everybody in one cluster, and only one person: nothing to tell apart, and nothing wrong.
    nmi: entropies < 1e-12 ? 1 : Math.max(0, information / entropies),
  };
}

/** Label → 0, 1, 2 … in the order of first appearance. */
function numbers(labels: ArrayLike<number>): Map<number, number> {
  const known = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) if (!known.has(labels[i]!)) known.set(labels[i]!, known.size);
  return known;
}
