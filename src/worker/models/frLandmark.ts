/**
 * `fr_landmark` (PFLD kind): 68 points, 300-W order, on the square of a face. Input [N,1,64,64], grey
 * (.299 R + .587 G + .114 B)/256, black outside the picture. Output `output` [N,136]: x0,y0,… as fractions of the
 * square.
 */
import { LANDMARK_COUNT } from '../../shared/face.ts';
import type { View } from './detector.ts';
import { resamplePlanes } from './resample.ts';
import { inRuns, type NetworkSession, outputOf } from './session.ts';

const SIDE = 64;
const VALUES = LANDMARK_COUNT * 2;
const GREY = [{ red: 0.299 / 256, green: 0.587 / 256, blue: 0.114 / 256, shift: 0 }];

export interface LandmarkNetwork {
  /** 68 points x0,y0,… in picture pixels for each square. */
  locate(squares: readonly View[]): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** Squares a run: more are a little slower. */
const CPU_BATCH = 5;

export function frLandmarkNetwork(session: NetworkSession): LandmarkNetwork {
  return {
    locate: (squares) => inRuns(session, CPU_BATCH, squares, (batch) => locateBatch(session, batch)),
    close: () => session.close(),
  };
}

async function locateBatch(session: NetworkSession, squares: readonly View[]): Promise<Float32Array[]> {
  const itemSize = SIDE * SIDE;
  const input = session.inputOf(squares.length * itemSize);
  squares.forEach(({ picture, region }, n) => {
    resamplePlanes(picture, region, [SIDE, SIDE], GREY, input, n * itemSize);
  });
  const outputs = await session.run(input, [squares.length, 1, SIDE, SIDE]);
  const values = outputOf(session, outputs, 'output', [VALUES]);
  return squares.map(({ region }, n) => {
    const points = new Float32Array(VALUES);
    for (let p = 0; p < VALUES; p += 2) {
      points[p] = region.x + values[n * VALUES + p]! * region.width;
      points[p + 1] = region.y + values[n * VALUES + p + 1]! * region.height;
    }
    return points;
  });
}
