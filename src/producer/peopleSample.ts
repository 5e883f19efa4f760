/** A few people of a corpus with a few of their photographs, chosen as the corpus goes by. */
import type { FaceRecord } from '../shared/face.ts';
import { randomInt, seededRandom } from '../shared/random.ts';

/** People looked at closely, and photographs of each. */
const SAMPLED_PEOPLE = 16;
const SAMPLED_PHOTOGRAPHS = 4;

export interface PeopleSample {
  add(face: FaceRecord): void;
  /** In listing order. */
  finish(): FaceRecord[];
}

/** Every person of a stream sorted by person has the same chance to be in it. Deterministic. */
export function createPeopleSample(seed: number): PeopleSample {
  const random = seededRandom(seed, 'dry run');
  const places: { place: number; faces: FaceRecord[] }[] = [];
  let people = 0;
  let subjectId: string | undefined;
  let chosen: FaceRecord[] | undefined;
  return {
    add(face) {
      if (face.subjectId !== subjectId) {
        subjectId = face.subjectId;
        const at = people < SAMPLED_PEOPLE ? people : randomInt(random, people + 1);
        chosen = at < SAMPLED_PEOPLE ? [] : undefined;
        if (chosen !== undefined) places[at] = { place: people, faces: chosen };
        people++;
      }
      if (chosen !== undefined && chosen.length < SAMPLED_PHOTOGRAPHS) chosen.push(face);
    },
    finish: () => places.sort((a, b) => a.place - b.place).flatMap(({ faces }) => faces),
  };
}
