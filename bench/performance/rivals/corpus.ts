/** The photographs that posecast and its rivals are measured on, and the list of them that all read. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../../src/shared/package.ts';
import { listPhotographs, type Photograph } from '../../photographs.ts';

/** The London set at 720 pixels where it lies beside the checkout, else the sample photographs at 480. */
export async function rivalPhotographs(): Promise<Photograph[]> {
  const whole = join(packageRoot, '..', 'shared', 'data', 'london');
  return listPhotographs(existsSync(whole) ? whole : join(packageRoot, 'samples', 'london'));
}

/**
 * Writes a list (face_id,subject_id,path; paths are absolute) of `count` photographs. When there are fewer they are
 * repeated, each repetition as other people.
 */
export async function writeList(
  file: string,
  photographs: readonly Photograph[],
  count: number,
): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => {
    const { subjectId, path } = photographs[i % photographs.length]!;
    return [`face-${i}`, `${subjectId}-${Math.floor(i / photographs.length)}`, path].map(csvCell).join(',');
  });
  await writeFile(file, ['face_id,subject_id,path', ...rows, ''].join('\n'));
}

/** RFC 4180. */
function csvCell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
