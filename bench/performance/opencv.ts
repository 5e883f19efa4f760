/**
 * Against OpenCV DNN in Python: a straightforward loop over the same graphs and the same photographs
 * (bench/rivals/opencv_dnn.py), two threads each. Needs Debian's python3-opencv: apt-get install python3-opencv.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { ensureModels } from '../../src/models/pull.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { overlap } from '../../src/worker/models/detector.ts';
import { absoluteRow, isQuick, median, printReport, type Round, ratioRow, say } from './report.ts';
import { rivalPhotographs } from './rivals/corpus.ts';
import { pythonEnv } from './rivals/install.ts';
import { runInFull } from './rivals/posecastRun.ts';
import { openRival } from './rivals/rivalProcess.ts';
import { openSameWork } from './rivals/sameWork.ts';
import type { FoundFace } from './rivals/sameWorkThread.ts';

const BENCH = 'opencv';
const THREADS = 2;
/** Debian's: others of the PATH have no OpenCV of Debian's. */
const PYTHON = '/usr/bin/python3';
const PROGRAMS = join(packageRoot, 'bench', 'rivals');
const SIZES = isQuick()
  ? { photographs: 4, passes: 1, inFull: 8, rounds: 1 }
  : { photographs: 180, passes: 3, inFull: 720, rounds: 5 };

const roundSchema = z.object({
  seconds: z.number(),
  milliseconds: z.record(z.string(), z.number()),
  faces: z.array(
    z
      .object({ square: z.tuple([z.number(), z.number(), z.number()]), embedding: z.array(z.number()) })
      .nullable(),
  ),
});

if (spawnSync(PYTHON, ['-c', 'import cv2']).status === 0) await measure();
else {
  const why = `${PYTHON} has no OpenCV; apt-get install python3-opencv`;
  printReport({ bench: BENCH, rows: [], skipped: [why] });
}

async function measure(): Promise<void> {
  const photographs = (await rivalPhotographs()).slice(0, SIZES.photographs);
  const paths = photographs.map(({ path }) => path);
  const [detect, landmarks, feature] = (
    await ensureModels(['fr-detect', 'fr-landmark', 'fr-feature'], say)
  ).map(({ files }) => files.model);
  const openLoop = (photographs: readonly string[], threads: number) => {
    const request = { models: { detect, landmarks, feature }, photographs, threads };
    return openRival(
      [PYTHON, join(PROGRAMS, 'opencv_dnn.py'), JSON.stringify(request)],
      roundSchema,
      pythonEnv(PROGRAMS),
    );
  };
  const rival = await openLoop(paths, THREADS);
  const half = paths.length >> 1;
  const pair = await Promise.all([openLoop(paths.slice(0, half), 1), openLoop(paths.slice(half), 1)]);
  const ours = await openSameWork(THREADS);
  await ours.process(paths.slice(0, 2 * THREADS));

  const inFull: Round[] = [];
  const inFullToPair: Round[] = [];
  const sameWork: Round[] = [];
  let agreement: Agreement | undefined;
  for (let round = 1; round <= SIZES.rounds; round++) {
    const { seconds, milliseconds, faces } = await rival.round();
    const limit = paths.length / seconds;
    const halves = await Promise.all(pair.map((loop) => loop.round()));
    const pairRate = paths.length / Math.max(...halves.map((answer) => answer.seconds));
    const start = performance.now();
    let found: (FoundFace | null)[] = [];
    for (let pass = 0; pass < SIZES.passes; pass++) found = await ours.process(paths);
    const rate = (paths.length * SIZES.passes * 1000) / (performance.now() - start);
    sameWork.push({ value: rate, limit });
    const full = await runInFull(photographs, SIZES.inFull, THREADS);
    inFull.push({ value: full, limit });
    inFullToPair.push({ value: full, limit: pairRate });
    agreement = compare(found, faces);
    const stages = Object.entries(milliseconds).map(([stage, ms]) => `${stage} ${ms.toFixed(1)}`);
    say(
      `round ${round}: OpenCV ${limit.toFixed(1)} faces/s (ms: ${stages.join(', ')}), as two processes ${pairRate.toFixed(1)}, posecast ${rate.toFixed(1)} for the same work, ${full.toFixed(1)} in full`,
    );
  }
  await ours.close();
  await Promise.all([rival, ...pair].map((loop) => loop.close()));
  if (agreement === undefined) throw new Error('no round was run');
  say(describeAgreement(agreement));
  const limitOf = 'OpenCV DNN, decode to embedding';
  const fullRun = 'in full: posecast run with pose, posture codes, 10 variants a person, committed table';
  printReport({
    bench: BENCH,
    rows: [
      ratioRow(
        {
          what: fullRun,
          unit: 'faces/s',
          limitOf,
          target: 1.5,
          atLeast: true,
        },
        inFull,
      ),
      ratioRow(
        { what: 'the same work: decode to embedding', unit: 'faces/s', limitOf, target: 2.2, atLeast: true },
        sameWork,
      ),
      ratioRow(
        {
          what: `${fullRun}, against two processes`,
          unit: 'faces/s',
          limitOf: `${limitOf}, a process a core`,
          // None is asked for: a user who knows to do this is still not to be faster.
          target: 1,
          atLeast: true,
        },
        inFullToPair,
      ),
      absoluteRow(
        {
          what: 'both found the same face (IoU ≥ 0.7)',
          unit: 'of the photographs',
          atLeast: true,
          wanted: 1,
        },
        [agreement.sameFaces / paths.length],
      ),
      absoluteRow(
        { what: 'embeddings of both, median cosine', unit: 'cosine', atLeast: true, wanted: 0.95 },
        [median(agreement.cosines)],
      ),
    ],
    skipped: [],
    versions: rival.versions,
  });
}

type RivalFace = z.infer<typeof roundSchema>['faces'][number];

interface Agreement {
  readonly sameFaces: number;
  /** Overlap of the squares, for each photograph in which both found a face. */
  readonly overlaps: readonly number[];
  /** Of the embeddings, likewise. */
  readonly cosines: readonly number[];
}

function compare(ours: readonly (FoundFace | null)[], theirs: readonly RivalFace[]): Agreement {
  const both = ours.flatMap((our, i) => {
    const their = theirs[i];
    if (our === null || their === null || their === undefined) return [];
    const [x, y, side] = their.square;
    return {
      overlap: overlap(our.square, { x, y, width: side, height: side }),
      cosine: our.embedding.reduce((sum, value, d) => sum + value * their.embedding[d]!, 0),
    };
  });
  return {
    sameFaces: both.filter((face) => face.overlap >= 0.7).length,
    overlaps: both.map((face) => face.overlap),
    cosines: both.map((face) => face.cosine),
  };
}

function describeAgreement({ overlaps, cosines }: Agreement): string {
  const range = (values: readonly number[]) =>
    `median ${median(values).toFixed(3)}, least ${Math.min(...values).toFixed(3)}`;
  return `${overlaps.length} faces found by both; overlap ${range(overlaps)}; cosine of the embeddings ${range(cosines)}`;
}
