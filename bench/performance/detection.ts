/**
 * Detection on large photographs, decoding included: the product (shrinking while it decodes, a scan bounded by the
 * smallest face of interest, candidates of several pictures in one batch) against the full-size pyramid of one picture
 * at a time. Both must find the same faces: on the photographs as they are, and on the large ones.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { ensureModels } from '../../src/models/pull.ts';
import { isRejection } from '../../src/shared/face.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { decodePnm, readPnmHeader } from '../../src/shared/picture/decodePnm.ts';
import {
  type Detection,
  type Detector,
  overlap,
  suppress,
  type View,
} from '../../src/worker/models/detector.ts';
import { openFrDetector } from '../../src/worker/models/frDetect.ts';
import { mtcnnDetector } from '../../src/worker/models/mtcnn.ts';
import type { Box, Raster } from '../../src/worker/models/raster.ts';
import { openSession } from '../../src/worker/models/session.ts';
import { decodeImage } from '../../src/worker/stages/decode.ts';
import { detectFaces } from '../../src/worker/stages/detect.ts';
import { listPhotographs } from '../photographs.ts';
import { isQuick, printReport, type Round, ratioRow, say } from './report.ts';

const ROUNDS = isQuick() ? 1 : 3;
const LARGE = isQuick() ? 1 : 6;
/** Longer side of the large photographs: 12 to 16 megapixels. */
const LARGE_SIDE = 4000;
const SHARED = join(packageRoot, '..', 'shared', 'data');
const SAME_FACE = 0.5;

async function filesOf(folder: string, count: number): Promise<Uint8Array[]> {
  const all = await listPhotographs(folder);
  const step = Math.max(1, Math.floor(all.length / count));
  const chosen = all.filter((_, i) => i % step === 0).slice(0, count);
  return Promise.all(chosen.map(async ({ path }) => readableBySharp(await readFile(path))));
}

/** PGM files as PNG: the naive reader knows no PGM, and both sides are to read the same bytes. */
async function readableBySharp(bytes: Uint8Array): Promise<Uint8Array> {
  const header = readPnmHeader(bytes);
  const picture = header && decodePnm(bytes, header);
  if (picture === undefined) return bytes;
  const { data, width, height } = picture;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

function enlarge(bytes: Uint8Array): Promise<Uint8Array> {
  return sharp(bytes).resize({ width: LARGE_SIDE, kernel: 'cubic' }).jpeg({ quality: 92 }).toBuffer();
}

/** Every pixel of the file, as a naive reader takes it. */
async function decodeFully(bytes: Uint8Array): Promise<Raster> {
  const decoded = await decodeWhole(bytes);
  return { width: decoded.info.width, height: decoded.info.height, data: decoded.data };
}

function decodeWhole(bytes: Uint8Array) {
  return sharp(bytes)
    .autoOrient()
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
}

function wholeView(picture: Raster): View {
  return { picture, region: { x: 0, y: 0, width: picture.width, height: picture.height } };
}

/**
 * The default detector has one input size: its pyramid is tiles of every scale, from full size to the whole picture.
 */
function pyramidViews(picture: Raster): View[] {
  const views: View[] = [wholeView(picture)];
  for (let scale = 1; 320 * scale < picture.width || 240 * scale < picture.height; scale *= 2) {
    const [width, height] = [320 * scale, 240 * scale];
    for (let y = 0; y < picture.height; y += height * 0.75) {
      for (let x = 0; x < picture.width; x += width * 0.75) {
        views.push({ picture, region: { x, y, width, height } });
      }
    }
  }
  return views;
}

/** The largest face of one picture, detected in the naive way. */
type Naive = (picture: Raster) => Promise<Box | undefined>;

function largest(found: readonly Detection[]): Box | undefined {
  return suppress(found, 0.4).reduce<Detection | undefined>(
    (best, face) => (best === undefined || face.box.height > best.box.height ? face : best),
    undefined,
  )?.box;
}

async function openAll() {
  const [mtcnn, fr] = await ensureModels(['mtcnn', 'fr-detect']);
  const open = (path: string) => openSession(path, { device: 'cpu', intraOpThreads: 1 });
  const [pnet, rnet, onet] = await Promise.all(
    ['pnet', 'rnet', 'onet'].map((role) => open(mtcnn!.files[role]!)),
  );
  const sessions = { pnet: pnet!, rnet: rnet!, onet: onet! };
  const naiveMtcnn = mtcnnDetector(sessions, { scanSide: Number.POSITIVE_INFINITY });
  const frSmall = await openFrDetector(Object.values(fr!.files)[0]!, { device: 'cpu', intraOpThreads: 1 });
  const kinds: { name: string; detector: Detector; naive: Naive }[] = [
    {
      name: 'mtcnn',
      detector: mtcnnDetector(sessions),
      naive: async (picture) => largest((await naiveMtcnn.detect([wholeView(picture)]))[0]!),
    },
    {
      name: 'fr-detect',
      detector: frSmall,
      naive: async (picture) => {
        const found: Detection[] = [];
        for (const view of pyramidViews(picture)) found.push(...(await frSmall.detect([view]))[0]!);
        return largest(found);
      },
    },
  ];
  const close = () => Promise.all([...Object.values(sessions), frSmall].map((opened) => opened.close()));
  return { kinds, close };
}

/** The faces that the product finds, in shares of the picture; undefined where it finds none. */
async function ownFaces(detector: Detector, files: readonly Uint8Array[]): Promise<(Box | undefined)[]> {
  const decoded = await Promise.all(files.map((bytes) => decodeImage(bytes)));
  const pictures = decoded.filter((picture): picture is Raster => !isRejection(picture));
  const found = await detectFaces(detector, pictures);
  return found.map((face) => (isRejection(face) ? undefined : inShares(face.region, face.picture)));
}

async function naiveFaces(naive: Naive, files: readonly Uint8Array[]): Promise<(Box | undefined)[]> {
  const faces: (Box | undefined)[] = [];
  for (const bytes of files) {
    const picture = await decodeFully(bytes);
    const box = await naive(picture);
    // The product answers the square that landmarks are measured on: the box made square around its middle.
    faces.push(box && inShares(squared(box), picture));
  }
  return faces;
}

function squared({ x, y, width, height }: Box): Box {
  return { x: x + (width - height) / 2, y, width: height, height };
}

function inShares({ x, y, width, height }: Box, picture: Raster): Box {
  return {
    x: x / picture.width,
    y: y / picture.height,
    width: width / picture.width,
    height: height / picture.height,
  };
}

async function secondsOf<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { seconds: (performance.now() - start) / 1000, result };
}

const { kinds, close } = await openAll();
const london = join(SHARED, 'london');
const photographs = existsSync(london) ? london : join(packageRoot, 'samples', 'london');
const large = await Promise.all((await filesOf(photographs, LARGE)).map(enlarge));
const rows = [];
const skipped: string[] = [];
for (const { name, detector, naive } of kinds) {
  const rounds: Round[] = [];
  const agreement: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    say(`${name}: round ${round + 1} of ${ROUNDS}`);
    const own = await secondsOf(() => ownFaces(detector, large));
    const other = await secondsOf(() => naiveFaces(naive, large));
    rounds.push({ value: large.length / own.seconds, limit: large.length / other.seconds });
    agreement.push({ value: agreeing(own.result, other.result), limit: large.length });
  }
  rows.push(
    ratioRow(
      {
        what: `${name}, ${LARGE_SIDE} pixels, decoding included`,
        unit: 'photographs/s',
        limitOf: 'full-size pyramid, one at a time',
        target: 4,
        atLeast: true,
      },
      rounds,
    ),
    ratioRow(
      {
        what: `${name}, same face in the large photographs`,
        unit: 'faces',
        limitOf: 'photographs',
        target: 1,
        atLeast: true,
      },
      agreement,
    ),
  );
  for (const set of ['london', 'orl', 'umist']) {
    const folder = join(SHARED, set);
    if (!existsSync(folder)) {
      skipped.push(`${name} on ${set}: ${folder} is not here`);
      continue;
    }
    const files = await filesOf(folder, isQuick() ? 2 : 60);
    const naiveFound = await naiveFaces(naive, files);
    const wanted = naiveFound.filter((face) => face !== undefined).length;
    const found = agreeing(await ownFaces(detector, files), naiveFound);
    rows.push(
      ratioRow(
        {
          what: `${name}, same face on ${set} as it is`,
          unit: 'faces',
          limitOf: 'faces the pyramid finds',
          target: 1,
          atLeast: true,
        },
        [{ value: found, limit: Math.max(1, wanted) }],
      ),
    );
  }
}
await close();
printReport({ bench: 'detection', rows, skipped });

/** Where the pyramid finds a face: in how many photographs the product finds the same. */
function agreeing(own: readonly (Box | undefined)[], others: readonly (Box | undefined)[]): number {
  return others.filter((other, i) => {
    const face = own[i];
    return other !== undefined && face !== undefined && overlap(face, other) >= SAME_FACE;
  }).length;
}
