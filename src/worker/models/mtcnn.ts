/**
 * MTCNN (Zhang et al. 2016), the paper's detector: three networks that propose, refine and place five points. The
 * graphs want pictures transposed, [N, W, H, 3], RGB (v − 127.5)/128.
 *
 * - pnet: 12-pixel windows at stride 2 over a pyramid of sizes; outputs a grid of boxes [.., 4] and scores [.., 2].
 * - rnet: 24×24 candidates → box [4], score [2].
 * - onet: 48×48 candidates → box [4], points [10] (five x, then five y), score [2].
 *
 * Boxes are corrections (left, top, right, bottom) in units of the candidate's side.
 */

import { IntegrityError } from '../../shared/errors.ts';
import type { Detection, Detector, View } from './detector.ts';
import { squareAround, suppress } from './detector.ts';
import type { Box, Raster } from './raster.ts';
import { resample } from './resample.ts';
import type { NetworkTensors } from './runtime.ts';
import type { NetworkSession } from './session.ts';

const WINDOW = 12;
const STRIDE = 2;
const PYRAMID_FACTOR = 0.709;
/** Smallest face in pixels of the scanned picture. */
const MIN_FACE = 20;
/** Longer side of the scanned picture at most: a face of 20/640 of a photograph is still found. */
const SCAN_SIDE = 640;
const MIN_SCORES = { propose: 0.6, refine: 0.7, output: 0.7 } as const;
/** Candidates that go into one run of the second and third network. */
const CANDIDATE_BATCH = 32;

interface Candidate {
  readonly view: number;
  readonly box: Box;
  readonly score: number;
  readonly points?: Float32Array;
}

export interface MtcnnSessions {
  readonly pnet: NetworkSession;
  readonly rnet: NetworkSession;
  readonly onet: NetworkSession;
}

export interface MtcnnLimits {
  /** Longer side of the scanned picture at most, in pixels; Infinity: every picture at its full size. */
  readonly scanSide: number;
}

export function mtcnnDetector(
  sessions: MtcnnSessions,
  { scanSide }: MtcnnLimits = { scanSide: SCAN_SIDE },
): Detector {
  return {
    async detect(views: readonly View[]): Promise<Detection[][]> {
      const proposed: Candidate[] = [];
      for (const [view, { picture, region }] of views.entries()) {
        proposed.push(...(await propose(sessions.pnet, picture, region, view, scanSide)));
      }
      const refined = perView(
        views,
        await refine(sessions.rnet, views, proposed, 24, MIN_SCORES.refine),
        (candidates) => suppress(candidates, 0.7),
      );
      const faces = perView(
        views,
        await refine(sessions.onet, views, refined, 48, MIN_SCORES.output),
        (candidates) => suppress(candidates, 0.7, true),
      );
      return views.map((_, view) =>
        faces
          .filter((face) => face.view === view)
          .map(({ box, score, points }) => ({ box, score, ...(points && { points }) })),
      );
    },
    async close() {
      await Promise.all([sessions.pnet.close(), sessions.rnet.close(), sessions.onet.close()]);
    },
  };
}

function perView(
  views: readonly View[],
  candidates: readonly Candidate[],
  choose: (candidates: readonly Candidate[]) => readonly Candidate[],
): Candidate[] {
  return views.flatMap((_, view) => choose(candidates.filter((candidate) => candidate.view === view)));
}

/** Scans the region at every size of the pyramid. */
async function propose(
  pnet: NetworkSession,
  picture: Raster,
  region: Box,
  view: number,
  scanSide: number,
): Promise<Candidate[]> {
  const longer = Math.max(region.width, region.height);
  const scanScale = Math.min(1, scanSide / longer);
  const proposals: Candidate[] = [];
  let scale = scanScale * (WINDOW / MIN_FACE);
  while (Math.min(region.width, region.height) * scale >= WINDOW) {
    const width = Math.ceil(region.width * scale);
    const height = Math.ceil(region.height * scale);
    const input = pnet.inputOf(width * height * 3);
    writeTransposed(input, 0, resample(picture, region, width, height), width, height);
    const outputs = await pnet.run(input, [1, width, height, 3]);
    const { boxes, scores } = roleOutputs(pnet, outputs);
    const gridWidth = scores.dims[1] ?? 0;
    const gridHeight = scores.dims[2] ?? 0;
    const stepX = region.width / width;
    const stepY = region.height / height;
    const found: Candidate[] = [];
    for (let i = 0; i < gridWidth * gridHeight; i++) {
      const score = scores.data[i * 2 + 1]!;
      if (score < MIN_SCORES.propose) continue;
      const window = {
        x: region.x + Math.floor(i / gridHeight) * STRIDE * stepX,
        y: region.y + (i % gridHeight) * STRIDE * stepY,
        width: WINDOW * stepX,
        height: WINDOW * stepY,
      };
      found.push({ view, box: corrected(window, boxes.data, i * 4), score });
    }
    proposals.push(...suppress(found, 0.5));
    scale *= PYRAMID_FACTOR;
  }
  return suppress(proposals, 0.7);
}

/** Runs candidates through rnet or onet: squares in, corrected boxes out; those below the score are dropped. */
async function refine(
  session: NetworkSession,
  views: readonly View[],
  candidates: readonly Candidate[],
  side: number,
  minScore: number,
): Promise<Candidate[]> {
  const kept: Candidate[] = [];
  const itemSize = side * side * 3;
  for (let start = 0; start < candidates.length; start += CANDIDATE_BATCH) {
    const batch = candidates.slice(start, start + CANDIDATE_BATCH);
    const squares = batch.map(({ box }) => squareAround(box, Math.max(box.width, box.height)));
    const input = session.inputOf(batch.length * itemSize);
    batch.forEach(({ view }, i) => {
      const pixels = resample(views[view]!.picture, squares[i]!, side, side);
      writeTransposed(input, i * itemSize, pixels, side, side);
    });
    const outputs = await session.run(input, [batch.length, side, side, 3]);
    const { boxes, scores, points } = roleOutputs(session, outputs);
    batch.forEach(({ view }, i) => {
      const score = scores.data[i * 2 + 1]!;
      if (score < minScore) return;
      const square = squares[i]!;
      kept.push({
        view,
        box: corrected(square, boxes.data, i * 4),
        score,
        ...(points && { points: pointsIn(square, points.data, i * 10) }),
      });
    });
  }
  return kept;
}

function corrected(box: Box, corrections: Float32Array, at: number): Box {
  const left = box.x + corrections[at]! * box.width;
  const top = box.y + corrections[at + 1]! * box.height;
  const right = box.x + (1 + corrections[at + 2]!) * box.width;
  const bottom = box.y + (1 + corrections[at + 3]!) * box.height;
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function pointsIn(square: Box, values: Float32Array, at: number): Float32Array {
  const points = new Float32Array(10);
  for (let p = 0; p < 5; p++) {
    points[p * 2] = square.x + values[at + p]! * square.width;
    points[p * 2 + 1] = square.y + values[at + 5 + p]! * square.height;
  }
  return points;
}

/** Interleaved [H, W, 3] as normalised [W, H, 3]. */
function writeTransposed(
  target: Float32Array,
  offset: number,
  pixels: Float32Array,
  width: number,
  height: number,
): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      const to = offset + (x * height + y) * 3;
      target[to] = (pixels[from]! - 127.5) / 128;
      target[to + 1] = (pixels[from + 1]! - 127.5) / 128;
      target[to + 2] = (pixels[from + 2]! - 127.5) / 128;
    }
  }
}

/** Outputs told apart by their last dimension (4 boxes, 2 scores, 10 points): names differ between conversions. */
function roleOutputs(session: NetworkSession, outputs: NetworkTensors) {
  const withLast = (last: number) => Object.values(outputs).find((output) => output.dims.at(-1) === last);
  const boxes = withLast(4);
  const scores = withLast(2);
  if (boxes === undefined || scores === undefined) {
    throw new IntegrityError('model-signature', 'MTCNN network must answer boxes (4) and scores (2)', {
      path: session.path,
      found: Object.values(outputs)
        .map((output) => output.dims.join('×'))
        .join(' '),
    });
  }
  return { boxes, scores, points: withLast(10) };
}
