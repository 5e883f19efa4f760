/** Synthetic pairs: the samples that `posecast train` keeps, each photograph with its renders. */
import { ConfigError } from '../../shared/errors.ts';
import { readAnySamples, type TrainingSample } from '../../training/samples.ts';
import type { PosePair } from './posePairs.ts';

/** @throws ConfigError when the file is no samples file, and when no photograph in it has a render. */
export async function readSamplePairs(path: string): Promise<{ pairs: PosePair[]; embedDim: number }> {
  const bad = (cause?: unknown) =>
    new ConfigError('bad-pairs', '--pairs: expected the samples.arrow of a training', { path }, cause);
  let samples: TrainingSample[] | undefined;
  try {
    samples = await readAnySamples(path);
  } catch (error) {
    // Not there, not Arrow, or written by another version: columns are missing.
    throw bad(error);
  }
  if (samples === undefined || samples.length === 0) throw bad();
  const pairs = pairsOfSamples(samples);
  if (pairs.length === 0) {
    throw new ConfigError(
      'bad-pairs',
      '--pairs: expected photographs with renders of them, found none: a training with --renders off makes no renders',
      { path, samples: samples.length },
    );
  }
  return { pairs, embedDim: samples[0]!.embedding.length };
}

/** Every photograph with each of its renders. */
function pairsOfSamples(samples: readonly TrainingSample[]): PosePair[] {
  const photographs = new Map(
    samples.filter(({ gridIndex }) => gridIndex === -1).map((sample) => [sample.faceId, sample]),
  );
  return samples.flatMap(({ faceId, gridIndex, subjectId, embedding, pose }) => {
    const photograph = photographs.get(faceId);
    if (gridIndex === -1 || photograph === undefined) return [];
    return [{ subjectId, source: photograph.embedding, target: embedding, yaw: pose.yaw }];
  });
}
