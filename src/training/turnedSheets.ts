/** Pictures of the synthetic poses of a training: OUT/pictures/renders.png and OUT/pictures/invented.png. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTurnSheet, type TurnSheet } from '../pictures/turnSheet.ts';
import type { TurnedPerson } from './collectSamples.ts';
import { POSE_GRID } from './syntheticPoses.ts';

/** Names in OUT/pictures. */
export const TURNED_SHEETS = ['renders.png', 'invented.png'] as const;

/** People on a sheet; they are the first ones, and each is there once. */
const PEOPLE = 8;

export interface TurnedSheets {
  readonly add: (person: TurnedPerson) => Promise<void>;
  /** Writes the sheets that have anybody on them; others of an earlier collection go. */
  readonly write: (folder: string) => Promise<void>;
}

export function openTurnedSheets(): TurnedSheets {
  const [renders, invented] = [openTurnSheet(), openTurnSheet()];
  const shown = new Set<string>();
  return {
    async add(person) {
      const sheet = person.photograph === undefined ? invented : renders;
      if (sheet.rows >= PEOPLE || shown.has(person.subjectId)) return;
      shown.add(person.subjectId);
      await addTurned(sheet, person);
    },
    async write(folder) {
      for (const [i, sheet] of [renders, invented].entries()) {
        const path = join(folder, TURNED_SHEETS[i]!);
        if (sheet.rows > 0) await writeFile(path, await sheet.draw(TURNED_COLUMNS));
        else await rm(path, { force: true });
      }
    },
  };
}

/** Headings of a sheet of turned people. */
export const TURNED_COLUMNS: readonly string[] = [
  'photograph',
  ...POSE_GRID.map(({ yaw, pitch }) => (pitch === 0 ? `${yaw}°` : `${yaw}°, ${pitch > 0 ? 'up' : 'down'}`)),
];

/** A row: the photograph, or what stands for it, and the poses in the order of POSE_GRID. */
export async function addTurned(
  sheet: TurnSheet,
  { faceId, photograph, poses }: TurnedPerson,
): Promise<void> {
  const first = photograph === undefined ? [] : [{ picture: photograph, usable: true }];
  await sheet.add(faceId, [...first, ...poses]);
}
