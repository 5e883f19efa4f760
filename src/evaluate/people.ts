/** The people of an evaluation: which photographs enrol them, which test them. Pure. */
import type { CorpusCounts, Protocol } from './result.ts';

/** One embedded photograph. */
export interface Photograph {
  readonly faceId: string;
  readonly subjectId: string;
  /** Degrees. */
  readonly yaw: number;
  readonly pitch: number;
  /** Unit length. */
  readonly embedding: Float32Array;
}

export interface Person {
  readonly subjectId: string;
  readonly role: CorpusCounts['role'];
  readonly photographs: readonly Photograph[];
}

/** A class of the identification task: one person, evaluated or a distractor. */
export interface FaceClass {
  /** Position among all classes. */
  readonly index: number;
  readonly subjectId: string;
  readonly role: CorpusCounts['role'];
  /** The most frontal photographs, most frontal first. */
  readonly enrol: readonly Photograph[];
  /** The photographs that test, by yaw. */
  readonly probes: readonly Photograph[];
  /** All others. */
  readonly between: readonly Photograph[];
}

/**
 * Divides everybody's photographs. A person without `enrol` photographs and one probe is left out (distractors need
 * no probe). Ties go by face id, so the order of the corpus does not matter.
 */
export function assignPhotographs(
  people: readonly Person[],
  enrol: number,
  rule: Protocol['probes'],
): { classes: FaceClass[]; leftOut: Person[] } {
  const classes: FaceClass[] = [];
  const leftOut: Person[] = [];
  for (const person of people) {
    const byTurn = [...person.photographs].sort(
      (a, b) => Math.abs(a.yaw) - Math.abs(b.yaw) || (a.faceId < b.faceId ? -1 : 1),
    );
    const others = byTurn.slice(enrol);
    const first =
      rule.rule === 'most-turned'
        ? Math.max(0, others.length - rule.count)
        : others.findIndex(({ yaw }) => Math.abs(yaw) >= rule.degrees);
    const probes = first === -1 ? [] : others.slice(first);
    if (byTurn.length < enrol || (probes.length === 0 && person.role === 'evaluated')) {
      leftOut.push(person);
      continue;
    }
    classes.push({
      index: classes.length,
      subjectId: person.subjectId,
      role: person.role,
      enrol: byTurn.slice(0, enrol),
      probes: probes.sort((a, b) => a.yaw - b.yaw || (a.faceId < b.faceId ? -1 : 1)),
      between: first === -1 ? others : others.slice(0, first),
    });
  }
  return { classes, leftOut };
}
