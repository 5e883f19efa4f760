import type { Landmarks68 } from '../shared/face.ts';
import { type Random, randomInt, randomNormal } from '../shared/random.ts';
import { headShape } from './headModel.ts';
import { varyLandmarks } from './landmarkVariation.ts';
import type { TrainingSample } from './samples.ts';

/** Landmarks to learn drawing from: two in five as measured, the others of people who do not exist. */
export function landmarkSource(training: readonly TrainingSample[]): (random: Random) => Landmarks68 {
  const shapes = training
    .filter(({ gridIndex, origin }) => gridIndex === -1 && origin.length === 0)
    .map(({ landmarks }) => headShape(landmarks));
  return (random) => {
    const landmarks =
      random() < 0.4
        ? measuredLandmarks(training[randomInt(random, training.length)]!, random)
        : varyLandmarks(shapes, random);
    // A mirrored face is a face; the drawing does not depend on which eye is which.
    return random() < 0.5 ? landmarks : landmarks.map((value, i) => (i % 2 === 0 ? -value : value));
  };
}

function measuredLandmarks({ landmarks }: TrainingSample, random: Random): Landmarks68 {
  // Crop pixels; as uncertain as the landmark network is.
  const noise = 0.4 * random();
  return landmarks.map((value) => value + noise * randomNormal(random));
}
