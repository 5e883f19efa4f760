/** A corpus in an S3 service that checks signatures, permissions and ranges. Only in `npm run test:faults`. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateBucketCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { openCorpus } from '../../src/producer/readers/openCorpus.ts';
import { type ReadOutcome, readImage } from '../../src/shared/corpus/corpusSource.ts';
import { openCorpusSource } from '../../src/shared/corpus/openCorpusSource.ts';
import type { S3Source } from '../../src/shared/corpus/s3Source.ts';
import { posecast } from '../helpers/cli.ts';
import { samplePhotographs } from '../helpers/photographs.ts';
import { readRun } from '../helpers/readRun.ts';
import { withEnvironment } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { collect } from '../producer/corpusFiles.ts';
import { END, member } from '../producer/tar/tars.ts';
import { missingForCeph, withCeph } from './ceph.ts';
import { ONLY_IN_FULL } from './full.ts';

const never = new AbortController().signal;
const skip = missingForCeph() ?? ONLY_IN_FULL.skip;
const codeOf = (outcome: ReadOutcome) => (outcome.status === 'ok' ? 'ok' : outcome.rejection.code);

test(
  'a corpus on Ceph: signatures, ranges, what is missing, what is forbidden, and whole runs',
  { skip },
  (t) =>
    withCeph(({ endpoint, bucket, env }) =>
      withEnvironment(env, async () => {
        const s3 = { endpoint };
        const client = new S3Client({ endpoint, forcePathStyle: true });
        const put = (Bucket: string, Key: string, Body: Uint8Array) =>
          client.send(new PutObjectCommand({ Bucket, Key, Body }));
        const photographs = samplePhotographs(4);
        const archive = Buffer.concat([
          ...photographs.map(({ subjectId, name, bytes }) => member(`${subjectId}/${name}`, bytes)),
          END,
        ]);
        await put(bucket, 'tars/a.tar', archive);
        for (const { subjectId, name, bytes } of photographs)
          await put(bucket, `c/${subjectId}/${name}`, bytes);
        const odd = 'odd &+ näme\u0001/1%2F.jpg';
        await put(bucket, `c/${odd}`, photographs[0]!.bytes);

        await t.test('ranges are exact and keys may hold anything', async () => {
          const source = await openCorpusSource(`s3://${bucket}/tars`, { s3 });
          const place = { uri: 'a.tar', offset: 512, bytes: photographs[0]!.bytes.length };
          const outcome = await readImage(source, place, never);
          assert.ok(
            outcome.status === 'ok' &&
              Buffer.compare(Buffer.from(outcome.bytes), photographs[0]!.bytes) === 0,
          );
          const beyond = { uri: 'a.tar', offset: archive.length - 10, bytes: 20 };
          assert.equal(codeOf(await readImage(source, beyond, never)), 'beyond-end');
          assert.equal(codeOf(await readImage(source, { uri: 'b.tar' }, never)), 'missing');
          await put(bucket, 'tars/c.tar', archive);
          assert.equal(codeOf(await readImage(source, { ...place, uri: 'c.tar' }, never)), 'ok');
          await put(bucket, 'tars/c.tar', Buffer.from(archive).fill(1, 600, 700));
          assert.equal(codeOf(await readImage(source, { ...place, uri: 'c.tar' }, never)), 'changed');
          await source.close();
          const folder = await openCorpusSource(`s3://${bucket}/c`, { s3 });
          assert.equal(codeOf(await readImage(folder, { uri: odd }, never)), 'ok');
          const listed = await collect((folder as S3Source).list('odd', never));
          assert.deepEqual(
            listed.map(({ uri }) => uri),
            [odd],
          );
          await folder.close();
        });

        await t.test('a wrong secret and an unknown key are refused when the corpus is opened', async () => {
          for (const wrong of [{ AWS_SECRET_ACCESS_KEY: 'wrong' }, { AWS_ACCESS_KEY_ID: 'NOBODY' }]) {
            await withEnvironment(wrong, () =>
              assert.rejects(openCorpusSource(`s3://${bucket}/c`, { s3 }), {
                name: 'ConfigError',
                code: 'bad-credentials',
              }),
            );
          }
          await assert.rejects(openCorpusSource('s3://no-such-bucket/c', { s3 }), { code: 'no-bucket' });
        });

        await t.test(
          'an object that a policy forbids is a rejection, and an archive of that kind is refused',
          async () => {
            const Bucket = 'posecast-guarded';
            await client.send(new CreateBucketCommand({ Bucket }));
            await put(Bucket, 'c/anna/open.jpg', photographs[0]!.bytes);
            await put(Bucket, 'c/anna/closed.jpg', photographs[1]!.bytes);
            await put(Bucket, 'c/closed.tar', archive);
            const denied = ['c/anna/closed.jpg', 'c/closed.tar'].map(
              (key) => `arn:aws:s3:::${Bucket}/${key}`,
            );
            const Policy = JSON.stringify({
              Version: '2012-10-17',
              Statement: [{ Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: denied }],
            });
            await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
            const source = await openCorpusSource(`s3://${Bucket}/c`, { s3 });
            assert.equal(codeOf(await readImage(source, { uri: 'anna/open.jpg' }, never)), 'ok');
            assert.equal(codeOf(await readImage(source, { uri: 'anna/closed.jpg' }, never)), 'unreadable');
            await source.close();
            const corpus = `s3://${Bucket}/c/closed.tar`;
            const reader = await openCorpus(
              { corpus, imageRoot: `s3://${Bucket}/c`, corpusFormat: 'webdataset' },
              { s3 },
            );
            await assert.rejects(collect(reader.faces()), { name: 'ConfigError', code: 'no-corpus' });
          },
        );

        await t.test('a run reads its corpus there and writes its tables there', () =>
          withTempFolder(async (folder) => {
            const flags = ['--variants', '0', '--s3-endpoint', endpoint, '--shard-faces', '4'];
            const out = `s3://${bucket}/out`;
            const ran = await posecast(['run', `s3://${bucket}/tars/a.tar`, out, ...flags], env);
            assert.equal(ran.code, 0, ran.stderr);
            const verified = await posecast(['verify', out, '--s3-endpoint', endpoint], env);
            assert.equal(verified.code, 0, verified.stdout + verified.stderr);
            const local = join(folder, 'out');
            const prefix = await posecast(['run', `s3://${bucket}/c`, local, ...flags], env);
            assert.equal(prefix.code, 0, prefix.stderr);
            assert.equal((await readRun(local)).manifest.totals.faces, photographs.length + 1);
          }),
        );
        client.destroy();
      }),
    ),
);
