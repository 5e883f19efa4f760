/** The whole run that `posecast bench` measures: from photographs through Redis to committed tables. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { RunConfig } from '../../shared/config.ts';
import { ConfigError, type ErrorFacts, PosecastError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { endWithOwner } from '../../shared/machine/endWithOwner.ts';
import { measuredEnvironment } from '../../shared/machine/measuredEnvironment.ts';
import { parseJson } from '../../shared/parseJson.ts';
import { count } from '../../shared/text/counted.ts';
import { nothingUsable } from '../../worker/measure/nothingUsable.ts';
import type { StandIns } from '../../worker/measure/standIns.ts';
import type { FraEngine } from '../../worker/models/fraNetworks.ts';
import { EXIT } from '../exit.ts';
import { countsByCode } from '../output/format.ts';
import { stoppable } from '../stoppable.ts';
import { spreadPeople } from './benchPhotographs.ts';

export interface WholeRunOptions
  extends Pick<
    RunConfig,
    | 'detector'
    | 'recognizer'
    | 'variants'
    | 'aligned'
    | 'withPostureCode'
    | 'withoutPose'
    | 'followLinks'
    | 'format'
  > {
  /** Photographs; those of the corpus are repeated, each time as other people. */
  readonly faces: number;
  /** As `--fra` of a run. Undefined: the model of the recogniser. */
  readonly fra: string | undefined;
  readonly device: string;
  readonly threads: number;
  readonly batch?: number | 'probe' | undefined;
  readonly engine: FraEngine;
  readonly standIns: Required<StandIns>;
}

const completeSchema = z.object({
  event: z.literal('complete'),
  workSeconds: z.number().positive(),
  longestBlockMs: z.number(),
  peakMemory: z.number(),
  totals: z.object({ faces: z.number(), rejected: z.number(), variants: z.number(), subjects: z.number() }),
  rejectsByCode: z.record(z.string(), z.number()),
});

export type WholeRun = z.infer<typeof completeSchema>;

/** Enough shards that reading and committing one overlaps the computing of another. */
const SHARDS = 8;

/** @throws ConfigError when no photograph has a usable face. */
export async function measureWholeRun(
  root: string,
  records: readonly FaceRecord[],
  options: WholeRunOptions,
): Promise<WholeRun> {
  return stoppable({ stopped: 'bench stopped' }, async (signal, releasers) => {
    const folder = await mkdtemp(join(tmpdir(), 'posecast-bench-'));
    // A run that was ended at once leaves its Redis to end a moment later.
    releasers.push('folder', () => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
    const list = join(folder, 'faces.csv');
    await writeFile(list, listOf(records, options.faces));
    const stdout = await runToEnd(wordsOf(root, folder, list, options), signal);
    const whole = completeSchema.parse(JSON.parse(stdout));
    // A run judges its rejects from 200 photographs on; of a smaller one it would be a rate of nothing.
    if (whole.totals.rejected === whole.totals.faces) {
      throw nothingUsable(countsByCode(whole.rejectsByCode).join(', '));
    }
    return whole;
  });
}

/** The command line of the run, for `benchRun.js`. */
export function wordsOf(
  root: string,
  folder: string,
  list: string,
  {
    faces,
    fra,
    batch,
    aligned,
    withPostureCode,
    withoutPose,
    followLinks,
    standIns,
    ...options
  }: WholeRunOptions,
): string[] {
  const flags = {
    ...options,
    'image-root': root,
    'shard-faces': Math.max(1, Math.ceil(faces / SHARDS)),
    ...(fra !== undefined && { fra }),
    ...(batch !== undefined && { batch }),
  };
  return [
    JSON.stringify(standIns),
    ...[list, join(folder, 'out'), '--json'],
    ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...(aligned ? ['--aligned'] : []),
    ...(withPostureCode ? ['--with-posture-code'] : []),
    ...(withoutPose ? ['--without-pose'] : []),
    ...(followLinks ? ['--follow-links'] : []),
  ];
}

/**
 * What the run prints. An aborted signal ends the run; it has put its own things away when this rejects.
 *
 * @throws PosecastError with what it says when it fails, ConfigError when it cannot be carried out as asked.
 */
async function runToEnd(words: readonly string[], signal: AbortSignal): Promise<string> {
  const file = fileURLToPath(new URL('./benchRun.js', import.meta.url));
  signal.throwIfAborted();
  const { child, done } = startRun([file, ...words]);
  const end = () => child.kill('SIGTERM');
  signal.addEventListener('abort', end);
  const { code, stdout, stderr } = await done;
  signal.removeEventListener('abort', end);
  signal.throwIfAborted();
  if (code === 0) return stdout;
  const facts = { exit: code, ...reasonOf(stdout, stderr) };
  if (code === EXIT.badRequest) throw new ConfigError('bench-run', 'the whole run was refused', facts);
  throw new PosecastError('bench-run', 'the whole run failed', facts);
}

interface EndedRun {
  /** Its exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

function startRun(words: readonly string[]): { child: ChildProcess; done: Promise<EndedRun> } {
  // Its own group: Ctrl-C in a terminal reaches bench, which asks the run to end. Asked twice, it would end at once and
  // leave its Redis's folder.
  const child = endWithOwner(
    spawn(process.execPath, words, {
      detached: true,
      env: measuredEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const done = once(child, 'close').then(([code, signal]) => ({ code: code ?? signal, ...text }));
  return { child, done };
}

/** An end before the run was complete, as `posecast run --json` says it. */
const earlySchema = z.object({
  event: z.string(),
  message: z.string().optional(),
  failures: z.array(z.object({ shard: z.string(), reason: z.string() })).default([]),
  rejects: z
    .object({
      photographs: z.number(),
      rejected: z.number(),
      reasons: z.array(
        z.object({
          code: z.string(),
          photographs: z.number(),
          example: z.object({ uri: z.string(), message: z.string() }).nullable(),
        }),
      ),
    })
    .optional(),
});

/** Why a run failed: what it printed for machines, else its last line for a person. */
export function reasonOf(stdout: string, stderr: string): ErrorFacts {
  const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';
  const early = earlySchema.safeParse(parseJson(lastLine(stdout))).data;
  if (early === undefined) return { said: lastLine(stderr) };
  const { event, message, failures, rejects } = early;
  const [first] = rejects?.reasons ?? [];
  const example = first?.example ? `, such as ${first.example.uri}: ${first.example.message}` : '';
  const rejected =
    rejects &&
    first &&
    `${count(rejects.rejected)} of ${count(rejects.photographs)} photographs rejected, ${first.code} ${count(first.photographs)}${example}`;
  return { event, said: message ?? rejected ?? failures[0]?.reason };
}

/** Whole rounds of the corpus, and of the last one people from all over it. */
function listOf(records: readonly FaceRecord[], faces: number): string {
  const rounds = Math.floor(faces / records.length);
  const rows = [
    ...Array.from({ length: rounds }, () => records),
    spreadPeople(records, faces % records.length),
  ].flatMap((photographs, round) =>
    photographs.map(({ faceId, subjectId, uri }) =>
      [`${faceId}@${round}`, `${subjectId}@${round}`, uri].map(csvCell).join(','),
    ),
  );
  return ['face_id,subject_id,path', ...rows, ''].join('\n');
}

/** RFC 4180. */
function csvCell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
