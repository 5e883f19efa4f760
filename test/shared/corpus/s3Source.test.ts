import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ImageLocation, type ReadOutcome, readImage } from '../../../src/shared/corpus/corpusSource.ts';
import { openCorpusSource } from '../../../src/shared/corpus/openCorpusSource.ts';
import { openS3Source, type S3Source } from '../../../src/shared/corpus/s3Source.ts';
import type { ConfigError } from '../../../src/shared/errors.ts';
import { compareUtf8 } from '../../../src/shared/listing/listingOrder.ts';
import { holdTo } from '../../../src/shared/store/s3Read.ts';
import { putObjects } from '../../helpers/s3Objects.ts';
import { type S3Request, type S3Service, withEnvironment, withS3 } from '../../helpers/services/s3.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';
import { collect } from '../../producer/corpusFiles.ts';

const never = new AbortController().signal;

interface Place {
  readonly service: S3Service;
  readonly source: S3Source;
  read(location: ImageLocation, signal?: AbortSignal): Promise<ReadOutcome>;
}

const OBJECTS = {
  'faces/anna/1.jpg': 'a picture',
  'faces/büro +&?/2.jpg': 'another',
  'secret.txt': 'secret',
};

function withSource(run: (place: Place) => Promise<void>): Promise<void> {
  return withS3({ conditionalPuts: false }, async (service) => {
    await putObjects(service, OBJECTS);
    const { endpoint, bucket } = service;
    const source = (await openCorpusSource(`s3://${bucket}/faces`, { s3: { endpoint } })) as S3Source;
    service.requests.length = 0;
    try {
      await run({ service, source, read: (location, signal = never) => readImage(source, location, signal) });
    } finally {
      await source.close();
    }
  });
}

const text = (outcome: ReadOutcome) =>
  outcome.status === 'ok' ? new TextDecoder().decode(outcome.bytes) : outcome.rejection.code;
const isRead = ({ method, path }: S3Request) => method === 'GET' && !path.includes('list-type');

test('a photograph is read whole or as a range, each with one request, into a buffer of its own', () =>
  withSource(async ({ service, read }) => {
    assert.equal(text(await read({ uri: 'anna/1.jpg' })), 'a picture');
    assert.equal(text(await read({ uri: 'anna/1.jpg', offset: 2, bytes: 3 })), 'pic');
    assert.deepEqual(
      service.requests.map(({ headers }) => headers.range),
      [undefined, 'bytes=2-4'],
    );
    const outcome = await read({ uri: 'anna/1.jpg', offset: 2, bytes: 3 });
    assert.equal(outcome.status === 'ok' && outcome.bytes.buffer.byteLength, 3);
  }));

test('a photograph that there is no room for is not read, with one request, and can be read later', () =>
  withSource(async ({ service, source, read }) => {
    const asked: number[] = [];
    const noRoom = (bytes: number) => {
      asked.push(bytes);
      return false;
    };
    assert.equal(text(await readImage(source, { uri: 'anna/1.jpg' }, never, noRoom)), 'no-room');
    assert.deepEqual(asked, [9]);
    assert.equal(service.requests.length, 1);
    assert.equal(text(await read({ uri: 'anna/1.jpg' })), 'a picture');
  }));

test('many photographs may be read at a time with one signal, and Node warns of no leak', () =>
  withSource(async ({ read }) => {
    const warnings: Error[] = [];
    const hear = (warning: Error) => warnings.push(warning);
    process.on('warning', hear);
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 30 }, () => read({ uri: 'anna/1.jpg' }, signal)));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', hear);
    assert.deepEqual(warnings, []);
  }));

test('keys may hold what file names and URLs may not', () =>
  withSource(async ({ read }) => {
    assert.equal(text(await read({ uri: 'büro +&?/2.jpg' })), 'another');
  }));

test('an object that is missing, ends before the range or would leave the prefix is a rejection', () =>
  withSource(async ({ service, read }) => {
    assert.equal(text(await read({ uri: 'anna/2.jpg' })), 'missing');
    assert.equal(text(await read({ uri: 'anna/1.jpg', offset: 5, bytes: 10 })), 'beyond-end');
    assert.equal(text(await read({ uri: 'anna/1.jpg', offset: 50, bytes: 10 })), 'beyond-end');
    service.requests.length = 0;
    assert.equal(text(await read({ uri: '../secret.txt' })), 'outside-corpus');
    assert.equal(service.requests.length, 0);
  }));

test('an object that may not be read is a rejection; credentials that have expired are not', () =>
  withSource(async ({ service, read }) => {
    service.fate = (request) => (isRead(request) ? { status: 403, code: 'AccessDenied' } : 'pass');
    assert.equal(text(await read({ uri: 'anna/1.jpg' })), 'unreadable');
    service.fate = () => ({ status: 400, code: 'ExpiredToken' });
    await assert.rejects(read({ uri: 'anna/1.jpg' }), { code: 'corpus-expired-credentials' });
    service.fate = () => ({ status: 403, code: 'SignatureDoesNotMatch' });
    await assert.rejects(read({ uri: 'anna/1.jpg' }), { code: 'corpus-access-denied' });
  }));

test('a body that breaks off is asked for again, and is a rejection when it never comes whole', () =>
  withSource(async ({ service, read }) => {
    let cuts = 2;
    service.fate = (request) => (isRead(request) && cuts-- > 0 ? 'cut-body' : 'pass');
    assert.equal(text(await read({ uri: 'anna/1.jpg' })), 'a picture');
    cuts = Number.POSITIVE_INFINITY;
    assert.equal(text(await read({ uri: 'anna/1.jpg' })), 'shrank');
  }));

test('ranges of an object that is replaced between them are never of two versions', async () => {
  await withSource(async ({ service, read }) => {
    const range = (offset: number) => read({ uri: 'anna/1.jpg', offset, bytes: 3 });
    assert.equal(text(await range(2)), 'pic');
    await putObjects(service, { 'faces/anna/1.jpg': 'A PICTURE' });
    assert.equal(text(await range(2)), 'changed');
    assert.equal(
      service.requests.at(-1)?.headers['if-match'],
      `"${createHash('md5').update('a picture').digest('hex')}"`,
    );
    assert.equal(
      text(await read({ uri: 'anna/1.jpg' })),
      'A PICTURE',
      'a whole object is one version anyway',
    );
    await putObjects(service, { 'faces/anna/1.jpg': 'a picture' });
    assert.equal(text(await range(2)), 'pic', 'the same content again is the same version');
  });
  await withSource(async ({ service, source }) => {
    const file = await source.open('anna/1.jpg', never);
    assert.equal(Buffer.from(await file.read({ start: 0, end: 1 }, never)).toString(), 'a');
    await putObjects(service, { 'faces/anna/1.jpg': 'A PICTURE' });
    await assert.rejects(file.read({ start: 2, end: 5 }, never), {
      code: 'changed',
      message: /object has been replaced by another one/,
    });
    await assert.rejects(source.open('anna/1.jpg', never), /has been replaced by another one/);
  });
});

test('a service that does not know If-Match is caught by the ETag of its answer; weak ETags say nothing', () => {
  const object = { Bucket: 'b', Key: 'k' };
  const version = { etag: undefined };
  holdTo(object, version, 'W/"1"');
  holdTo(object, version, undefined);
  holdTo(object, version, '"1"');
  holdTo(object, version, '"1"');
  holdTo(object, version, 'W/"2"');
  assert.throws(() => holdTo(object, version, '"2"'), { code: 'changed' });
});

test('a service that fails fails the shard and not the photograph', () =>
  withSource(async ({ service, read }) => {
    service.fate = () => ({ status: 501, code: 'NotImplemented' });
    await assert.rejects(read({ uri: 'anna/1.jpg' }), {
      code: 's3-failed',
      message: /corpus get.*anna\/1\.jpg/,
    });
  }));

test('a read that is stopped ends at once, however silent the service is', () =>
  withSource(async ({ service, read }) => {
    service.fate = () => 'silence';
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const started = performance.now();
    await assert.rejects(read({ uri: 'anna/1.jpg' }, stop.signal));
    assert.ok(performance.now() - started < 2_000);
  }));

test('a prefix is listed page by page, in the order of the bytes of its keys', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const names = Array.from({ length: 23 }, (_, i) => `p${(i * 7) % 23}/${i}-é😀.jpg`);
    await putObjects(service, Object.fromEntries(names.map((name) => [`c/${name}`, 'xy'])));
    const { endpoint, bucket } = service;
    const source = await openS3Source(`s3://${bucket}/c`, { endpoint }, { pageKeys: 5 });
    service.requests.length = 0;
    const listed = await collect(source.list('', never));
    assert.deepEqual(
      listed,
      names.sort(compareUtf8).map((uri) => ({ uri, bytes: 2 })),
    );
    assert.equal(service.requests.length, 5);
    await source.close();
  }));

test('a listing of a corpus that breaks off is an error and not a smaller corpus', () =>
  withSource(async ({ service, source }) => {
    service.fate = () => ({
      rewrites: (listing) => listing.replace('<IsTruncated>false', '<IsTruncated>true'),
    });
    await assert.rejects(collect(source.list('', never)), {
      name: 'StoreUnusableError',
      code: 'corpus-broken-listing',
      message: /^corpus: S3 listing: /,
    });
  }));

test('an archive is opened once and read by ranges; one that is missing is a bad request', () =>
  withSource(async ({ source, service }) => {
    const file = await source.open('anna/1.jpg', never);
    assert.deepEqual([file.bytes, file.far], [9, true]);
    assert.equal(Buffer.from(await file.read({ start: 2, end: 9 }, never)).toString(), 'picture');
    await assert.rejects(file.read({ start: 2, end: 10 }, never), { code: 'beyond-end' });
    await assert.rejects(source.open('anna/2.jpg', never), { name: 'ConfigError', code: 'no-corpus' });
    for (const fate of ['pass', { status: 403, code: 'AccessDenied' }] as const) {
      service.fate = ({ method }) => (method === 'HEAD' ? { status: 403, code: '' } : fate);
      await assert.rejects(source.open('anna/1.jpg', never), { code: 'no-corpus', message: /AccessDenied/ });
    }
  }));

test('an archive or table of a bucket that is gone is not taken for one that is missing', () =>
  withSource(async ({ source, service }) => {
    service.fate = () => ({ status: 404, code: 'NoSuchBucket' });
    await assert.rejects(source.open('anna/1.jpg', never), {
      name: 'StoreUnusableError',
      code: 'corpus-no-bucket',
    });
  }));

test('a photograph or table is missing by the word of the service, and not by a 404 of what stands before it', () =>
  withSource(async ({ source, service }) => {
    service.fate = () => ({ status: 404, code: '' });
    await assert.rejects(source.read('anna/1.jpg', undefined, never), { code: 's3-failed' });
    await assert.rejects(source.open('anna/1.jpg', never), { code: 's3-failed' });
  }));

for (const [status, code, expected] of [
  [403, 'InvalidAccessKeyId', 'corpus-access-denied'],
  [401, 'Unauthorized', 'corpus-access-denied'],
  [400, 'ExpiredToken', 'corpus-expired-credentials'],
  [400, 'InvalidToken', 'corpus-access-denied'],
] as const) {
  test(`an archive or table cannot be opened with keys that are refused, which is not about the object: ${code}`, () =>
    withSource(async ({ source, service }) => {
      service.fate = () => ({ status, code });
      await assert.rejects(source.open('anna/1.jpg', never), { name: 'StoreUnusableError', code: expected });
    }));
}

test('a bucket that is missing, and a service that is not there, are refused when the corpus is opened', () =>
  withS3({ conditionalPuts: false }, async ({ endpoint }) => {
    const open = (root: string, at = endpoint) => openCorpusSource(root, { s3: { endpoint: at } });
    await assert.rejects(open('s3://no-such-bucket/x'), { name: 'ConfigError', code: 'no-bucket' });
    await assert.rejects(open('s3://bucket/x', 'http://127.0.0.1:9'), { code: 'unreachable' });
  }));

test('the prefix of a corpus may hold any character, as keys do, and leads nowhere else', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    await putObjects(service, { 'a//20:24 *?|"/anna/1.jpg': 'a picture', 'a/b/1.jpg': 'another' });
    const open = async (prefix: string) =>
      (await openCorpusSource(`s3://${service.bucket}/${prefix}`, {
        s3: { endpoint: service.endpoint },
      })) as S3Source;
    const source = await open('a//20:24 *?|"/');
    const uris: string[] = [];
    for await (const { uri } of source.list('', never)) uris.push(uri);
    assert.deepEqual(uris, ['anna/1.jpg']);
    assert.equal(text(await readImage(source, { uri: 'anna/1.jpg' }, never)), 'a picture');
    await source.close();
    for (const prefix of ['a/../a/b', 'a/./b', '..']) {
      await assert.rejects(open(prefix), { name: 'ConfigError', code: 'bad-uri' });
    }
  }));

test('the refusal of a corpus holds the status of the answer', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    service.fate = () => ({ status: 400, code: 'InvalidRequest' });
    const opened = openCorpusSource(`s3://${service.bucket}/faces`, { s3: { endpoint: service.endpoint } });
    await assert.rejects(opened, (error: ConfigError) => {
      assert.match(error.message, /^corpus: S3 service cannot be used \[/);
      assert.equal(error.facts.status, 400);
      return true;
    });
  }));

test('who may read but not list can still be given an archive or a list', () =>
  withSource(async ({ service }) => {
    service.fate = ({ path }) =>
      path.includes('list-type') ? { status: 403, code: 'AccessDenied' } : 'pass';
    const source = await openCorpusSource(`s3://${service.bucket}/faces`, {
      s3: { endpoint: service.endpoint },
    });
    assert.equal(text(await readImage(source, { uri: 'anna/1.jpg' }, never)), 'a picture');
    await source.close();
  }));

test('a profile names endpoint, region and keys, as it does for every AWS program', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    await putObjects(service, OBJECTS);
    await withTempFolder(async (folder) => {
      await writeFile(
        join(folder, 'config'),
        `[profile corpus]\nregion = eu-west-9\nendpoint_url = ${service.endpoint}\n` +
          'aws_access_key_id = PROFILEKEY\naws_secret_access_key = profile-secret\n',
      );
      const variables = {
        AWS_CONFIG_FILE: join(folder, 'config'),
        AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
        AWS_REGION: undefined,
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
      };
      await withEnvironment(variables, async () => {
        const root = `s3://${service.bucket}/faces`;
        const source = await openCorpusSource(root, { s3: { profile: 'corpus' } });
        assert.equal(text(await readImage(source, { uri: 'anna/1.jpg' }, never)), 'a picture');
        await source.close();
      });
      const { authorization = '' } = service.requests.at(-1)?.headers ?? {};
      assert.match(authorization, /Credential=PROFILEKEY\/\d+\/eu-west-9\/s3/);
    });
  }));

test('a profile that no file has is refused by its name, and no other keys of the machine are taken for it', () =>
  withS3({ conditionalPuts: false }, (service) =>
    withTempFolder(async (folder) => {
      await writeFile(join(folder, 'config'), '[profile corpus]\nregion = eu-west-9\n');
      const open = (profile?: string) =>
        openCorpusSource(`s3://${service.bucket}/faces`, { s3: { endpoint: service.endpoint, profile } });
      const variables = {
        AWS_CONFIG_FILE: join(folder, 'config'),
        AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
      };
      const refused = { name: 'ConfigError', code: 'no-profile', message: /\[profile=copus\]$/ };
      await withEnvironment(variables, () => assert.rejects(open('copus'), refused));
      await withEnvironment({ ...variables, AWS_PROFILE: 'copus' }, () => assert.rejects(open(), refused));
      await withEnvironment({ ...variables, AWS_PROFILE: '' }, async () => (await open()).close());
      assert.equal(service.requests.length, 1);
    }),
  ));
