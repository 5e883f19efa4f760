/** Retrieval, both ways: a turned photograph looks for its person, and a template looks for photographs. */
import { dot } from '../../shared/l2.ts';
import type { Gallery } from '../gallery.ts';
import { averagePrecision } from '../metrics/averagePrecision.ts';
import { nearest } from './nearestMean.ts';

/** Whether the most similar single gallery entry, photograph or variant, is the probe's person; one a probe. */
export function rankOne({ enrolled, probes }: Gallery): boolean[] {
  const entries = enrolled.flatMap(({ person, enrol, variants }) =>
    [...enrol, ...variants.map(({ embedding }) => embedding)].map((embedding) => ({ person, embedding })),
  );
  const embeddings = entries.map(({ embedding }) => embedding);
  return probes.map(
    ({ person, embedding }) => entries[nearest(embeddings, embedding)]!.person.index === person.index,
  );
}

/**
 * Average precision of each test person's template over a pool of photographs: the probes, and all photographs of
 * distractors that enrol nobody. The pool is the same for every row.
 */
export function templatePrecisions(gallery: Gallery): { classIndex: number; value: number }[] {
  const { trial, enrolled, probes, embed } = gallery;
  const distractors = trial.classes
    .filter(({ role }) => role === 'distractors')
    .flatMap((person) =>
      [...person.between, ...person.probes].map((photograph) => ({ person, embedding: embed(photograph) })),
    );
  const pool = [...probes, ...distractors];
  return trial.test.map(({ index }) => {
    const { template } = enrolled[index]!;
    const ranked = pool
      .map(({ person, embedding }) => ({ own: person.index === index, score: dot(template, embedding) }))
      .sort((a, b) => b.score - a.score);
    return { classIndex: index, value: averagePrecision(ranked.map(({ own }) => own)) };
  });
}
