/** What a method makes of a trial: every class with its enrolment and its variants, in the method's space. */
import { centroid, normalizeInPlace } from '../shared/l2.ts';
import type { Method, PreparedMethod, VariantRequest } from './method.ts';
import type { FaceClass, Photograph } from './people.ts';
import { isTested } from './rivals/oracles.ts';
import type { TargetPose, Trial } from './trials.ts';

/** One enrolled class; all embeddings of unit length. */
export interface Enrolled {
  readonly person: FaceClass;
  readonly enrol: readonly Float32Array[];
  /** `source`: position in `enrol` of the photograph a variant was made from. */
  readonly variants: readonly { readonly source: number; readonly embedding: Float32Array }[];
  /** Direction of the mean of enrolment and variants. */
  readonly template: Float32Array;
}

export interface Probe {
  readonly person: FaceClass;
  readonly photograph: Photograph;
  readonly embedding: Float32Array;
}

export interface Gallery {
  readonly trial: Trial;
  /** In the order of the classes. */
  readonly enrolled: readonly Enrolled[];
  /** Of the trial's test people; in half galleries those of the half. */
  readonly probes: readonly Probe[];
  /** Any photograph in the method's space. */
  readonly embed: (photograph: Photograph) => Float32Array;
}

/** `count` variants a class: sources by turns, so that every source gets targets over the whole range. */
export function variantRequests(
  classes: readonly FaceClass[],
  targets: readonly TargetPose[],
): VariantRequest[] {
  return classes.flatMap((person) =>
    targets.map((target, variant) => ({ person, source: variant % person.enrol.length, target, variant })),
  );
}

/** One gallery, or two for a method that is tested in halves. */
export async function openGalleries(
  method: Method,
  trial: Trial,
  targets: readonly TargetPose[],
): Promise<Gallery[]> {
  if (method.inHalves !== true) return [await openGallery(await method.prepare(trial), trial, targets)];
  const galleries: Gallery[] = [];
  for (const half of [0, 1] as const) {
    galleries.push(await openGallery(await method.prepare(trial, half), trial, targets, half));
  }
  return galleries;
}

async function openGallery(
  prepared: PreparedMethod,
  trial: Trial,
  targets: readonly TargetPose[],
  half?: 0 | 1,
): Promise<Gallery> {
  const requests = variantRequests(trial.classes, targets);
  const generated = await prepared.generate(requests);
  const { transform } = prepared;
  const made = new Map<Float32Array, Float32Array>();
  const unit = (embedding: Float32Array): Float32Array => {
    const known = made.get(embedding);
    if (known !== undefined) return known;
    const direction = Float32Array.from(embedding);
    normalizeInPlace(direction);
    const moved = transform?.(direction) ?? direction;
    made.set(embedding, moved);
    return moved;
  };
  const variants = trial.classes.map((): { source: number; embedding: Float32Array }[] => []);
  requests.forEach(({ person, source }, i) => {
    const embedding = generated[i];
    if (embedding !== undefined) variants[person.index]!.push({ source, embedding: unit(embedding) });
  });
  const embed = (photograph: Photograph) => unit(photograph.embedding);
  return {
    trial,
    embed,
    enrolled: trial.classes.map((person) => {
      const enrol = person.enrol.map(embed);
      const own = variants[person.index]!;
      const template = centroid([...enrol, ...own.map(({ embedding }) => embedding)]);
      return { person, enrol, variants: own, template };
    }),
    probes: trial.test.flatMap((person) =>
      person.probes
        .filter((_, position) => half === undefined || isTested(position, half))
        .map((photograph) => ({ person, photograph, embedding: embed(photograph) })),
    ),
  };
}
