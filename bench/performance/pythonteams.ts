/**
 * Against what a Python team would write instead: the same photographs through the same graphs by ONNX Runtime for
 * Python in a Ray Data and in a Daft pipeline, two workers, Parquet out (bench/rivals). Whole commands, measured from
 * outside. Once with the pose network, which a table of faces by pose needs, and once without. posecast makes a run as
 * it is by default beside both, and one without poses beside those without.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { ensureModels } from '../../src/models/pull.ts';
import { packageRoot } from '../../src/shared/package.ts';
import type { Photograph } from '../photographs.ts';
import { type BenchRow, isQuick, printReport, type Round, ratioRow, say } from './report.ts';
import { rivalPhotographs, writeList } from './rivals/corpus.ts';
import { installFromPypi, pythonEnv, pythonOf } from './rivals/install.ts';
import { BY_DEFAULT, EMBEDDINGS_ALONE, runWords } from './rivals/posecastRun.ts';
import { measureCommand, type WholeCommand } from './rivals/wholeCommand.ts';
import { withFolder } from './shared/folders.ts';

const THREADS = 2;
const POSECAST = join(packageRoot, 'bin', 'posecast.js');
const PROGRAMS = join(packageRoot, 'bench', 'rivals');
/**
 * `few`: of the runs that say what starting costs. `choosing`: of those that say which setting of a rival is the
 * faster.
 */
const SIZES = isQuick()
  ? { few: 8, choosing: 8, many: 24, rounds: 1 }
  : { few: 240, choosing: 960, many: 1_920, rounds: 3 };

/** Two workers of one thread, and the alternative: one worker of two threads. */
const SETTINGS = [
  { actors: 2, threads: 1 },
  { actors: 1, threads: 2 },
];
type Setting = (typeof SETTINGS)[number];

const writtenSchema = z.object({ written: z.record(z.string(), z.string()) });
const facesSchema = z.object({ faces: z.number() });
const completeSchema = z.object({ totals: z.object({ faces: z.number(), rejected: z.number() }) });

/** Something that makes a table of faces of a number of photographs. */
type Run = (count: number) => Promise<WholeCommand>;

interface Rival {
  readonly name: string;
  readonly withPose: boolean;
  readonly run: (setting: Setting) => Run;
}

const skipped: string[] = [];
const rivals: Rival[] = [];
let versions: Record<string, string> = {};
const photographs = await rivalPhotographs();
const models = await ensureModels(['fr-detect', 'fr-landmark', 'fr-feature', 'fr-pose'], say);
const [detect, landmarks, feature, pose] = models.map(({ files }) => files.model);
const EMBEDDING = { detect, landmarks, feature };
const WITH_POSE = { ...EMBEDDING, pose };
for (const [name, word] of [
  ['Ray Data', 'ray'],
  ['Daft', 'daft'],
] as const) {
  const installation = await installFromPypi(word, join(PROGRAMS, `${word}.txt`));
  if (installation.status === 'absent') skipped.push(installation.why);
  else {
    const command = [pythonOf(installation.folder), join(PROGRAMS, `${word}_pipeline.py`)] as const;
    for (const [what, models, withPose] of [
      [`${name} with pose`, WITH_POSE, true],
      [`${name} without pose`, EMBEDDING, false],
    ] as const) {
      const run = (setting: Setting) => (count: number) => runRival(command, models, setting, count);
      rivals.push({ name: what, withPose, run });
    }
  }
}
const rows = rivals.length === 0 ? [] : await measure();
printReport({ bench: 'pythonteams', rows, skipped, versions });

async function measure(): Promise<BenchRow[]> {
  const byDefault = await ourRun('posecast run', BY_DEFAULT);
  const alone = await ourRun('posecast run --without-pose', EMBEDDINGS_ALONE);
  const theirs: (typeof byDefault & Pick<Rival, 'withPose'>)[] = [];
  for (const rival of rivals) theirs.push({ ...(await fasterSetting(rival)), withPose: rival.withPose });
  const all = [byDefault, alone, ...theirs];
  const measured = new Map(all.map(({ name }) => [name, [] as WholeCommand[]]));
  for (let round = 1; round <= SIZES.rounds; round++) {
    for (const { name, run } of all) {
      const result = await run(SIZES.many);
      measured.get(name)!.push(result);
      say(`round ${round}: ${name} ${describe(result, SIZES.many)}`);
    }
  }
  const long = (results: readonly WholeCommand[]) => results.map(({ seconds }) => SIZES.many / seconds);
  const further = (results: readonly WholeCommand[], few: WholeCommand) =>
    results.map(({ seconds }) => (SIZES.many - SIZES.few) / (seconds - few.seconds));
  const memory = (results: readonly WholeCommand[]) => results.map(({ peakMemory }) => peakMemory / 1e6);
  const pairs = theirs.flatMap((rival) =>
    (rival.withPose ? [byDefault] : [byDefault, alone]).map((ours) => ({ ours, ...rival })),
  );
  return pairs.flatMap(({ ours, name, few }) => {
    const our = measured.get(ours.name)!;
    const their = measured.get(name)!;
    return [
      ratioRow(
        {
          what: `${ours.name}, whole command, against ${name}`,
          unit: 'faces/s',
          limitOf: `${name}, whole command`,
          target: 1.3,
          atLeast: true,
        },
        besideEachOther(long(our), long(their)),
      ),
      ratioRow(
        {
          what: `${ours.name}, every further photograph, against ${name}`,
          unit: 'faces/s',
          limitOf: `${name}, start-up taken off`,
          target: 1.3,
          atLeast: true,
        },
        besideEachOther(further(our, ours.few), further(their, few)),
      ),
      ratioRow(
        {
          what: `${ours.name}, peak memory of all processes, against ${name}`,
          unit: 'MB',
          limitOf: name,
          target: 1,
          atLeast: false,
        },
        besideEachOther(memory(our), memory(their)),
      ),
    ];
  });
}

function besideEachOther(values: readonly number[], limits: readonly number[]): Round[] {
  return values.map((value, i) => ({ value, limit: limits[i]! }));
}

/** Tries every setting, on so many photographs that starting does not decide. */
async function fasterSetting({ name, run }: Rival) {
  let best: { readonly run: Run; readonly seconds: number } | undefined;
  for (const setting of SETTINGS) {
    const withSetting = run(setting);
    const tried = await withSetting(SIZES.choosing);
    say(`${name}, ${setting.actors} × ${setting.threads} threads: ${describe(tried, SIZES.choosing)}`);
    if (best === undefined || tried.seconds < best.seconds)
      best = { run: withSetting, seconds: tried.seconds };
  }
  return { name, run: best!.run, few: await best!.run(SIZES.few) };
}

function describe({ seconds, peakMemory }: WholeCommand, count: number): string {
  return `${count} photographs in ${seconds.toFixed(1)} s, ${(peakMemory / 1e6).toFixed(0)} MB at most`;
}

async function ourRun(name: string, words: readonly string[]) {
  const run: Run = (count) =>
    withList(photographs, count, async (list, out) => {
      const result = await measureCommand(
        [process.execPath, POSECAST, ...runWords(list, out, count, THREADS, words)],
        () => false,
      );
      const { totals } = completeSchema.parse(result.lines.at(-1));
      requireFaces(name, totals.faces - totals.rejected, count);
      return result;
    });
  return { name, run, few: await run(SIZES.few) };
}

async function runRival(
  command: readonly [string, string],
  models: typeof EMBEDDING,
  setting: Setting,
  count: number,
): Promise<WholeCommand> {
  return withList(photographs, count, async (list, out) => {
    const request = JSON.stringify({ models, list, out, ...setting });
    const isWritten = (line: unknown) => writtenSchema.safeParse(line).success;
    const result = await measureCommand([...command, request], isWritten, pythonEnv(PROGRAMS));
    versions = { ...versions, ...writtenSchema.parse(result.lines.at(-2)).written };
    requireFaces(command[1], facesSchema.parse(result.lines.at(-1)).faces, count);
    return result;
  });
}

function requireFaces(who: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${who}: expected ${expected} faces, found ${found}`);
}

async function withList<T>(
  faces: readonly Photograph[],
  count: number,
  body: (list: string, out: string) => Promise<T>,
): Promise<T> {
  return withFolder('disk', async (folder) => {
    const list = join(folder, 'faces.csv');
    await writeList(list, faces, count);
    return await body(list, join(folder, 'out'));
  });
}
