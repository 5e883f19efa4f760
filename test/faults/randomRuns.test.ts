/** Runs that are disturbed at random come to the result of a run that nobody disturbs. */
import { test } from 'node:test';
import { type S3Service, withS3 } from '../helpers/services/s3.ts';
import type { S3Backend } from './carryOut.ts';
import { carryOutAll, seedsOf } from './randomRuns.ts';

const RUNS = Number(process.env.POSECAST_FAULTS_RUNS ?? 2);

test('random runs', { concurrency: 3, timeout: 7_200_000 }, (t) =>
  withS3({ conditionalPuts: true }, (strong) =>
    withS3({ conditionalPuts: false }, (weak) =>
      carryOutAll(t, seedsOf(RUNS), {
        folder: 'folder',
        s3: backend(strong),
        's3-without-put-if-absent': backend(weak),
      }),
    ),
  ),
);

/** Its credentials are in the environment. */
function backend({ endpoint, bucket }: S3Service): S3Backend {
  return { endpoint, bucket, env: {}, looksAtClock: false };
}
