/** Rivals that learn nothing: duplication, noise, blending. */
import { dot } from '../../shared/l2.ts';
import { randomInt, randomNormal, seededRandom } from '../../shared/random.ts';
import { type Method, perRequest, sourceOf } from '../method.ts';
import { REAL_PAIRS } from './posePairs.ts';

/** The enrolment photographs alone: what every other row is compared with. */
export const NONE: Method = {
  id: 'none',
  label: 'none',
  kind: 'none',
  trainedOn: 'nothing',
  prepare: async () => perRequest(() => undefined),
};

/** The source embedding again: shows what mere counts do to a classifier. */
export const DUPLICATE: Method = {
  id: 'duplicate',
  label: 'duplicate',
  kind: 'rival',
  trainedOn: 'nothing',
  prepare: async () => perRequest((request) => sourceOf(request).embedding),
};

/** Gaussian noise as long as real turns are: the mean distance between the two sides of the training people's pairs. */
export const JITTER: Method = {
  id: 'jitter',
  label: 'jitter, norm of real turns',
  kind: 'rival',
  trainedOn: 'one number: the mean length of real turns',
  async prepare(trial) {
    const pairs = REAL_PAIRS.pairs(trial);
    // Of the same photograph twice the product is 1, or a little more by rounding.
    const length =
      pairs.reduce(
        (sum, { source, target }) => sum + Math.sqrt(Math.max(0, 2 - 2 * dot(source, target))),
        0,
      ) / Math.max(1, pairs.length);
    return perRequest((request) => {
      const { embedding, faceId } = sourceOf(request);
      const random = seededRandom(trial.seed, 'jitter', faceId, request.variant);
      const spread = length / Math.sqrt(embedding.length);
      return embedding.map((value) => value + spread * randomNormal(random));
    });
  },
};

/** A point between two enrolment photographs of the person. */
export const MIXUP: Method = {
  id: 'mixup',
  label: 'mixup within the person',
  kind: 'rival',
  trainedOn: 'nothing',
  async prepare(trial) {
    return perRequest((request) => {
      const { enrol } = request.person;
      const { embedding, faceId } = sourceOf(request);
      const random = seededRandom(trial.seed, 'mixup', faceId, request.variant);
      const other = enrol[(request.source + 1 + randomInt(random, enrol.length - 1)) % enrol.length]!;
      const share = random();
      return embedding.map((value, i) => share * value + (1 - share) * other.embedding[i]!);
    });
  },
};
