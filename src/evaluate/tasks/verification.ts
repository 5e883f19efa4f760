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

/** One turned probe against one frontal photograph, which has the variants that were made from it at its side. */
export function compareFrontalProfile(
  { enrolled, probes }: Gallery,
  personOf: (classIndex: number) => number,
): Comparison[] {
  const photographs = enrolled.flatMap(({ person, enrol, variants }) =>
    enrol.map((embedding, source) => {
      const own = variants.filter((variant) => variant.source === source);
      return { person, template: centroid([embedding, ...own.map((variant) => variant.embedding)]) };
    }),
  );
  return probes.flatMap(({ person, embedding }) =>
    photographs.map(({ person: claimed, template }) => ({
      score: dot(template, embedding),
      genuine: claimed.index === person.index,
      person: personOf(person.index),
    })),
  );
}
