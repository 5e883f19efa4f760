/** Which photographs `posecast bench` measures: stages and whole run get them from all over the corpus. */
import type { FaceRecord } from '../../shared/face.ts';

/** At most `count` of the items, evenly spaced. */
export function spread<T>(items: readonly T[], count: number): T[] {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, i) => items[Math.floor((i * items.length) / taken)]!);
}

/**
 * At most `count` photographs, of people from all over the corpus. Whole people, all but the last: variants are made
 * per person, and a run of single photographs would be another work.
 */
export function spreadPeople(records: readonly FaceRecord[], count: number): FaceRecord[] {
  if (count >= records.length) return [...records];
  const people = new Map<string, FaceRecord[]>();
  for (const record of records) {
    const own = people.get(record.subjectId) ?? [];
    own.push(record);
    people.set(record.subjectId, own);
  }
  for (let chosen = Math.ceil((count * people.size) / records.length); ; chosen++) {
    const photographs = spread([...people.values()], chosen).flat();
    if (photographs.length >= count) return photographs.slice(0, count);
  }
}
