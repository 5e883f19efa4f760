/** Clustering: turned photographs and everybody's templates, by average linkage. */
import type { Gallery } from '../gallery.ts';
import { averageLink, cutTree, type Merge } from '../metrics/averageLink.ts';
import { comparePartitions } from '../metrics/partitions.ts';
import type { Clustering } from '../outcomes.ts';
import type { FaceClass } from '../people.ts';
import { innerProducts } from './innerProducts.ts';

/** The templates of all classes and the probes of the test people; where to cut was learned on the training people. */
export function clusterProbes(gallery: Gallery, personOf: (classIndex: number) => number): Clustering {
  const threshold = bestThreshold(buildTree(gallery, trainingProbes(gallery)));
  const tree = buildTree(gallery, gallery.probes);
  return {
    clusters: cutTree(tree.merges, tree.labels.length, threshold),
    people: tree.labels.map((label) => {
      const person = personOf(label);
      return person < 0 ? -1 - label : person;
    }),
  };
}

interface Tree {
  readonly merges: readonly Merge[];
  /** Class of each item. */
  readonly labels: Int32Array;
}

interface Item {
  readonly person: FaceClass;
  readonly embedding: Float32Array;
}

function trainingProbes({ trial, embed }: Gallery): Item[] {
  return trial.training.flatMap((person) =>
    person.probes.map((photograph) => ({ person, embedding: embed(photograph) })),
  );
}

function buildTree({ enrolled }: Gallery, probes: readonly Item[]): Tree {
  const items = [...enrolled.map(({ person, template }) => ({ person, embedding: template })), ...probes];
  const embeddings = items.map(({ embedding }) => embedding);
  return {
    merges: averageLink(innerProducts(embeddings, embeddings), items.length),
    labels: Int32Array.from(items, ({ person }) => person.index),
  };
}

/** Cuts that are tried. */
const CUTS = 60;

/** The cut with the best BCubed F. */
function bestThreshold({ merges, labels }: Tree): number {
  let [best, threshold] = [Number.NEGATIVE_INFINITY, 1];
  const every = Math.max(1, Math.floor(merges.length / CUTS));
  for (let i = 0; i < merges.length; i += every) {
    const { similarity } = merges[i]!;
    const { bcubed } = comparePartitions(cutTree(merges, labels.length, similarity), labels)();
    if (bcubed > best) [best, threshold] = [bcubed, similarity];
  }
  return threshold;
}
