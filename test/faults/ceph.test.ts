/** Random runs against an S3 service that nobody wrote for tests. Only in `npm run test:faults:long`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../src/shared/store/openStore.ts';
import { withEnvironment } from '../helpers/services/s3.ts';
import { missingForCeph, withCeph } from './ceph.ts';
import { carryOutAll, seedsOf } from './randomRuns.ts';

const RUNS = Number(process.env.POSECAST_FAULTS_CEPH_RUNS ?? 0);
const skip = missingForCeph() ?? (RUNS === 0 && 'only in npm run test:faults:long');

test('random runs on Ceph', { skip, concurrency: 2, timeout: 7_200_000 }, (t) =>
  withCeph(async (ceph) => {
    await withEnvironment(ceph.env, async () => {
      const store = await openStore(`s3://${ceph.bucket}/probe`, { s3: { endpoint: ceph.endpoint } });
      assert.ok(store.atomicPutIfAbsent, 'Ceph honours If-None-Match');
      await store.close();
    });
    await carryOutAll(t, seedsOf(RUNS), { s3: ceph });
  }),
);
