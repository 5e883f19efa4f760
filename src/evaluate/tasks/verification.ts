/** Verification: every probe against every class. */
import { centroid, dot } from '../../shared/l2.ts';
import type { Gallery } from '../gallery.ts';
import type { Comparison } from '../metrics/errorRates.ts';

/** Probe against template; the template is the mean of enrolment and variants. */
export function compareTemplates(
  { enrolled, probes }: Gallery,
  personOf: (classIndex: number) => number,
): Comparison[] {
  return probes.flatMap(({ person, embedding }) =>
    enrolled.map(({ person: claimed, template }) => ({
      score: dot(template, embedding),
      genuine: claimed.index === person.index,
      person: personOf(person.index),
    })),
  );
}

/** One turned probe against the most frontal photograph, which has the variants that were made from it at its side. */
export function compareFrontalProfile(
  { enrolled, probes }: Gallery,
  personOf: (classIndex: number) => number,
): Comparison[] {
  const photographs = enrolled.map(({ person, enrol, variants }) => {
    const own = variants.filter(({ source }) => source === 0);
    return { person, template: centroid([enrol[0]!, ...own.map(({ embedding }) => embedding)]) };
  });
  return probes.flatMap(({ person, embedding }) =>
    photographs.map(({ person: claimed, template }) => ({
      score: dot(template, embedding),
      genuine: claimed.index === person.index,
      person: personOf(person.index),
    })),
  );
}
