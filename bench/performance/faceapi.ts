/**
 * Against @vladmandic/face-api and @vladmandic/human in Node, on the WebAssembly backend (their fastest one without the
 * native addon, which has no build for this Node): detection, landmarks and embedding of the same photographs, while
 * posecast does the same work, and while it makes a run in full.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../src/shared/package.ts';
import { isQuick, printReport, type Round, ratioRow, say } from './report.ts';
import { rivalPhotographs } from './rivals/corpus.ts';
import { installFromNpm } from './rivals/install.ts';
import { runInFull } from './rivals/posecastRun.ts';
import { openRival, type RivalProcess } from './rivals/rivalProcess.ts';
import { openSameWork, type SameWork } from './rivals/sameWork.ts';

const BENCH = 'faceapi';
const THREADS = 2;
const PROGRAMS = join(packageRoot, 'bench', 'rivals', 'vladmandic');
/** `photographs`: of a rival's round, which takes as many seconds as posecast's with a hundredth of them. */
const SIZES = isQuick()
  ? { photographs: 1, inFull: 8, rounds: 1 }
  : { photographs: 16, inFull: 1_440, rounds: 3 };

const RIVALS = [
  {
    name: 'face-api, its default detector (SSD MobileNet)',
    program: 'faceApi.mjs',
    options: { detector: 'ssd' },
  },
  {
    name: 'face-api, its small detector and landmarks',
    program: 'faceApi.mjs',
    options: { detector: 'tiny' },
  },
  { name: 'human', program: 'human.mjs', options: {} },
];

const roundSchema = z.object({ seconds: z.number(), embedded: z.number() });

const installation = await installFromNpm('vladmandic', join(PROGRAMS, 'package.json'));
if (installation.status === 'ready') await measure(installation.folder);
else printReport({ bench: BENCH, rows: [], skipped: [installation.why] });

async function measure(folder: string): Promise<void> {
  const photographs = await rivalPhotographs();
  const paths = photographs.slice(0, SIZES.photographs).map(({ path }) => path);
  const rounds = RIVALS.map(() => ({ same: [] as Round[], full: [] as Round[] }));
  const work = await openSameWork(THREADS);
  // Repeated as the run repeats them; once before, so that loading counts for nobody.
  const repeated = Array.from({ length: SIZES.inFull }, (_, i) => photographs[i % photographs.length]!.path);
  await sameRate(work, paths);
  let versions = {};
  for (let round = 1; round <= SIZES.rounds; round++) {
    const full = await runInFull(photographs, SIZES.inFull, THREADS);
    const same = await sameRate(work, repeated);
    say(`round ${round}: posecast ${same.toFixed(1)} faces/s for the same work, ${full.toFixed(1)} in full`);
    for (const [i, { name, program, options }] of RIVALS.entries()) {
      const request = JSON.stringify({ photographs: paths, ...options });
      const rival = await openRival(
        [process.execPath, join(PROGRAMS, program), folder, request],
        roundSchema,
      );
      const limit = await rateOf(rival, paths.length);
      await rival.close();
      versions = { ...versions, ...rival.versions };
      rounds[i]!.same.push({ value: same, limit });
      rounds[i]!.full.push({ value: full, limit });
      say(`round ${round}: ${name} ${limit.toFixed(2)} faces/s`);
    }
  }
  await work.close();
  const facts = { unit: 'faces/s', limitOf: 'detection, landmarks, embedding', target: 30, atLeast: true };
  printReport({
    bench: BENCH,
    rows: RIVALS.flatMap(({ name }, i) => [
      ratioRow({ ...facts, what: `the same work, against ${name}` }, rounds[i]!.same),
      ratioRow({ ...facts, what: `in full, against ${name}` }, rounds[i]!.full),
    ]),
    skipped: [],
    versions,
  });
}

/** Faces a second from the file to the embedding. */
async function sameRate(work: SameWork, paths: readonly string[]): Promise<number> {
  const start = performance.now();
  const faces = await work.process(paths);
  const seconds = (performance.now() - start) / 1000;
  if (faces.includes(null)) throw new Error('expected a face in every photograph');
  return paths.length / seconds;
}

/** Faces a second; a rival that finds no face would be fast. */
async function rateOf(rival: RivalProcess<z.infer<typeof roundSchema>>, count: number): Promise<number> {
  const { seconds, embedded } = await rival.round();
  if (embedded !== count) throw new Error(`expected an embedding of ${count} photographs, found ${embedded}`);
  return count / seconds;
}
