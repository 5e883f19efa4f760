/** The whole run that `posecast bench` measures: from photographs through Redis to committed tables. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { RunConfig } from '../shared/config.ts';
import { PosecastError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import type { StandIns } from '../worker/standIns.ts';

export interface WholeRunOptions
  extends Pick<
    RunConfig,
    'detector' | 'recognizer' | 'variants' | 'aligned' | 'withPostureCode' | 'withoutPose' | 'format'
  > {
  /** Photographs; those of the corpus are repeated, each time as other people. */
  readonly faces: number;
  readonly device: string;
  readonly threads: number;
  readonly batch?: number | 'probe' | undefined;
  readonly standIns: Required<StandIns>;
}

const completeSchema = z.object({
  event: z.literal('complete'),
  workSeconds: z.number().positive(),
  longestBlockMs: z.number(),
  peakMemory: z.number(),
  totals: z.object({ faces: z.number(), variants: z.number(), subjects: z.number() }),
});

export type WholeRun = z.infer<typeof completeSchema>;

/** Enough shards that reading and committing one overlaps the computing of another. */
const SHARDS = 8;

export async function measureWholeRun(
  root: string,
  records: readonly FaceRecord[],
  { faces, batch, aligned, withPostureCode, withoutPose, standIns, ...options }: WholeRunOptions,
): Promise<WholeRun> {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-bench-'));
  try {
    const list = join(folder, 'faces.csv');
    await writeFile(list, listOf(records, faces));
    const flags = {
      ...options,
      'image-root': root,
      'shard-faces': Math.max(1, Math.ceil(faces / SHARDS)),
      ...(batch !== undefined && { batch }),
    };
    const stdout = await runToEnd([
      JSON.stringify(standIns),
      ...[list, join(folder, 'out'), '--json'],
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...(aligned ? ['--aligned'] : []),
      ...(withPostureCode ? ['--with-posture-code'] : []),
      ...(withoutPose ? ['--without-pose'] : []),
    ]);
    return completeSchema.parse(JSON.parse(stdout));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the run prints. @throws PosecastError with what it says when it fails. */
async function runToEnd(words: readonly string[]): Promise<string> {
  const file = fileURLToPath(new URL('./benchRun.js', import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [file, ...words], {
      maxBuffer: 64 * 2 ** 20,
    });
    return stdout;
  } catch (error) {
    const { stderr = '', code } = error as { stderr?: string; code?: string | number };
    const said = stderr.trimEnd().split('\n').at(-1) ?? '';
    throw new PosecastError('bench-run', 'the whole run failed', { exit: code, said }, error);
  }
}

function listOf(records: readonly FaceRecord[], faces: number): string {
  const rows = Array.from({ length: faces }, (_, i) => {
    const { faceId, subjectId, uri } = records[i % records.length]!;
    const round = Math.floor(i / records.length);
    return [`${faceId}@${round}`, `${subjectId}@${round}`, uri].map(csvCell).join(',');
  });
  return ['face_id,subject_id,path', ...rows, ''].join('\n');
}

/** RFC 4180. */
function csvCell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
