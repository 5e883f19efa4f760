/** A made-up folder with the names of KDEF: photographs of London people, squeezed where they should be turned. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { KDEF_ANGLES, KDEF_SESSIONS, KDEF_YAW } from '../../src/shared/labels/kdefName.ts';
import { kdefNameOf } from './kdefNameOf.ts';

/** Writes `people` persons × 2 sittings × neutral and happy × 5 angles below `root`; returns the relative paths. */
export async function writeKdefFolder(root: string, london: string, people: number): Promise<string[]> {
  const paths: string[] = [];
  for (let person = 0; person < people; person++) {
    const who = { gender: person % 2 === 0 ? 'F' : 'M', number: 1 + Math.floor(person / 2) } as const;
    for (const session of KDEF_SESSIONS) {
      const folder = kdefNameOf({ ...who, session, emotion: 'NE', angle: 'S' }).slice(0, 4);
      mkdirSync(join(root, folder), { recursive: true });
      for (const [emotion, file] of [
        ['NE', 'neutral.jpg'],
        ['HA', 'smile.jpg'],
      ] as const) {
        const photograph = readFileSync(join(london, String(person + 1).padStart(3, '0'), file));
        for (const angle of KDEF_ANGLES) {
          const path = join(folder, kdefNameOf({ ...who, session, emotion, angle }));
          const turned = KDEF_YAW[angle];
          const image = sharp(photograph).resize(360, 360, { fit: 'cover' });
          if (turned < 0) image.flop();
          if (session === 'B') image.modulate({ brightness: 0.8 });
          const width = Math.round(360 * (1 - Math.abs(turned) / 200));
          await sharp(await image.toBuffer())
            .resize(width, 360, { fit: 'fill' })
            .jpeg({ quality: 85 })
            .toFile(join(root, path));
          paths.push(path);
        }
      }
    }
  }
  return paths;
}
