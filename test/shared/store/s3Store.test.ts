/** What only S3 can do wrong, and what the store makes of it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, describeError } from '../../../src/shared/errors.ts';
import type { ObjectStore } from '../../../src/shared/store/objectStore.ts';
import { openStore } from '../../../src/shared/store/openStore.ts';
import {
  CREDENTIALS,
  type Fate,
  type S3Request,
  type S3Service,
  withEnvironment,
  withS3,
} from '../../helpers/services/s3.ts';
import { storeKeys } from '../../helpers/stores.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

async function withStore(
  run: (store: ObjectStore, service: S3Service) => Promise<void>,
  conditionalPuts = true,
): Promise<void> {
  await withS3({ conditionalPuts }, async (service) => {
    const options = { s3: { endpoint: service.endpoint }, onWarning: () => undefined };
    const store = await openStore(`s3://${service.bucket}/run`, options);
    try {
      await run(store, service);
    } finally {
      await store.close();
    }
  });
}

/** This fate for the first `times` requests that match, 'pass' for all others. */
function fateFor(
  match: (request: S3Request) => boolean,
  fate: Fate,
  times = 1,
): (request: S3Request) => Fate {
  let left = times;
  return (request) => (match(request) && left-- > 0 ? fate : 'pass');
}

const isPutOf = (key: string) => (request: S3Request) =>
  request.method === 'PUT' && request.path.includes(key);
const isGetOf = (key: string) => (request: S3Request) =>
  request.method === 'GET' && request.path.includes(key);

for (const conditionalPuts of [true, false]) {
  test(`opening ${conditionalPuts ? 'finds' : 'misses, and warns about,'} put-if-absent, and leaves nothing behind`, () =>
    withS3({ conditionalPuts }, async ({ endpoint, bucket }) => {
      const warnings: string[] = [];
      const onWarning = (message: string) => void warnings.push(message);
      const store = await openStore(`s3://${bucket}/run`, { s3: { endpoint }, onWarning });
      assert.equal(store.atomicPutIfAbsent, conditionalPuts);
      assert.equal(warnings.length, conditionalPuts ? 0 : 1);
      if (!conditionalPuts) assert.match(warnings[0] ?? '', /ignores If-None-Match/);
      await store.close();
      const whole = await openStore(`s3://${bucket}`, { s3: { endpoint }, access: 'read' });
      assert.deepEqual(await storeKeys(whole), []);
      await whole.close();
    }));
}

test('opening that takes too long ends in time, and what it tried is taken away when the service comes to it', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    service.fate = async ({ method }): Promise<Fate> => {
      if (method === 'PUT') await sleep(3000);
      return 'pass';
    };
    const begun = performance.now();
    const s3 = { endpoint: service.endpoint };
    await assert.rejects(openStore(`s3://${service.bucket}/run`, { s3 }), { code: 'unreachable' });
    assert.ok(performance.now() - begun < 5000);
    while (service.requests.at(-1)?.method !== 'DELETE' && performance.now() - begun < 10_000)
      await sleep(50);
    const whole = await openStore(`s3://${service.bucket}`, { s3, access: 'read' });
    assert.deepEqual(await storeKeys(whole), []);
    await whole.close();
    assert.deepEqual(
      service.requests.map(({ method }) => method).filter((method) => method !== 'GET'),
      ['PUT', 'PUT', 'DELETE'],
    );
  }));

test('opening for reading writes nothing', () =>
  withS3({ conditionalPuts: true }, async ({ endpoint, bucket, requests }) => {
    const store = await openStore(`s3://${bucket}/run`, { s3: { endpoint }, access: 'read' });
    await store.get('run.json');
    await store.close();
    assert.deepEqual(new Set(requests.map(({ method }) => method)), new Set(['GET']));
  }));

test('a commit whose answer is lost is still this caller’s commit', () =>
  withStore(async (store, service) => {
    service.fate = fateFor(isPutOf('commits/1.json'), 'lose-answer');
    assert.equal(await store.putIfAbsent('commits/1.json', bytes('mine')), true);
    assert.equal(service.requests.filter(isPutOf('commits/1.json')).length, 2);
  }));

test('a conflict with a concurrent write is tried again', () =>
  withStore(async (store, service) => {
    const conflict = { status: 409, code: 'ConditionalRequestConflict' };
    service.fate = fateFor(isPutOf('commits/1.json'), conflict, 3);
    assert.equal(await store.putIfAbsent('commits/1.json', bytes('mine')), true);
  }));

test('a commit that the service altered is an integrity error', () =>
  withStore(async (store, service) => {
    service.fate = fateFor(isPutOf('commits/1.json'), 'alter');
    await assert.rejects(store.putIfAbsent('commits/1.json', bytes('mine')), {
      name: 'IntegrityError',
      code: 'altered',
    });
  }));

test('server errors are tried again', () =>
  withStore(async (store, service) => {
    service.fate = fateFor(isPutOf('data/x'), { status: 503, code: 'SlowDown' }, 2);
    await store.put('data/x', bytes('body'));
    service.fate = fateFor(isGetOf('data/x'), { status: 500, code: 'InternalError' }, 2);
    assert.deepEqual(Buffer.from((await store.get('data/x')) ?? []), Buffer.from('body'));
  }));

test('a body that is cut short is read again, whole', () =>
  withStore(async (store, service) => {
    const body = new Uint8Array(300_000).fill(7);
    await store.put('data/x', body);
    service.fate = fateFor(isGetOf('data/x'), 'cut-body', 2);
    assert.equal(Buffer.compare((await store.get('data/x')) ?? new Uint8Array(), body), 0);
    assert.equal(service.requests.filter(isGetOf('data/x')).length, 3);
  }));

test('an object that is too large to be read whole is an integrity error, and its body is not waited for', () =>
  withStore(async (store, service) => {
    service.fate = fateFor(isGetOf('data/x'), { promises: 2 ** 31 });
    await assert.rejects(store.get('data/x'), { name: 'IntegrityError', code: 'too-large' });
  }));

test('an upload in parts that fails is an error, and leaves no parts behind', () =>
  withStore(async (store, service) => {
    const refused = { status: 400, code: 'InvalidRequest' };
    service.fate = fateFor((request) => request.path.includes('partNumber=3'), refused, 1);
    await assert.rejects(store.put('data/large', new Uint8Array(30 * 2 ** 20)), { code: 's3-failed' });
    assert.equal(await service.unfinishedUploads(), 0);
    assert.equal(await store.head('data/large'), undefined);
  }));

test('an upload in parts that is aborted leaves no parts behind', () =>
  withStore(async (store, service) => {
    const controller = new AbortController();
    service.fate = (request) => {
      if (request.path.includes('partNumber=2')) controller.abort();
      return 'pass';
    };
    await assert.rejects(store.put('data/large', new Uint8Array(40 * 2 ** 20), controller.signal));
    assert.equal(await service.unfinishedUploads(), 0);
    assert.equal(await store.head('data/large'), undefined);
  }));

for (const [status, code] of [
  [507, 'XMinioStorageFull'],
  [507, ''],
  [403, 'QuotaExceeded'],
  [400, 'XMinioAdminBucketQuotaExceeded'],
] as const) {
  test(`a service that has no room says so at once, and is not taken for one that denies access: ${status} ${code}`, () =>
    withStore(async (store, service) => {
      service.fate = ({ method }) => (method === 'PUT' ? { status, code } : 'pass');
      await assert.rejects(store.put('x', bytes('body')), { name: 'StoreUnusableError', code: 'disk-full' });
      const full = await openStore(`s3://${service.bucket}/run`, {
        s3: { endpoint: service.endpoint },
      }).catch((error: unknown) => error);
      assert.ok(full instanceof ConfigError && full.code === 'disk-full', describeError(full));
    }));
}

test('a look for an object with keys that have expired says so, although the answer to a HEAD does not', () =>
  withStore(async (store, service) => {
    service.fate = () => ({ status: 400, code: 'ExpiredToken' });
    await assert.rejects(store.head('x'), { name: 'StoreUnusableError', code: 'expired-credentials' });
  }));

test('a look for an object in a bucket that is gone says so, and does not take the object alone for absent', () =>
  withStore(async (store, service) => {
    assert.equal(await store.head('x'), undefined);
    service.fate = () => ({ status: 404, code: 'NoSuchBucket' });
    await assert.rejects(store.head('x'), { name: 'StoreUnusableError', code: 'no-bucket' });
  }));

test('a look for an object that is written just then finds it', () =>
  withStore(async (store, service) => {
    await store.put('x', bytes('body'));
    let heads = 0;
    service.fate = ({ method }) => (method === 'HEAD' && heads++ === 0 ? { status: 404, code: '' } : 'pass');
    assert.equal((await store.head('x'))?.bytes, 4);
  }));

test('a 404 that does not say that the key is absent, as of a proxy without its service, is an error of the store', () =>
  withStore(async (store, service) => {
    for (const code of ['', 'NotFound']) {
      service.fate = () => ({ status: 404, code });
      await assert.rejects(store.get('x'), { code: 's3-failed', message: /status=404/ });
      await assert.rejects(store.head('x'), { code: 's3-failed', message: /status=404/ });
    }
  }));

const more = (token: string) => (listing: string) =>
  listing.replace('<IsTruncated>false</IsTruncated>', `<IsTruncated>true</IsTruncated>${token}`);

for (const [what, rewrites, pages] of [
  ['no token', more(''), 1],
  ['an empty token', more('<NextContinuationToken></NextContinuationToken>'), 1],
  ['the token it was asked with', more('<NextContinuationToken>x</NextContinuationToken>'), 2],
] as const) {
  test(`a listing that says there is more, and gives ${what} for it, is an error and not the end`, () =>
    withStore(async (store, service) => {
      await store.put('x', bytes('body'));
      service.requests.length = 0;
      service.fate = () => ({ rewrites });
      await assert.rejects(storeKeys(store), { name: 'StoreUnusableError', code: 'broken-listing' });
      assert.equal(service.requests.length, pages);
    }));
}

test('a listing that says it is whole ends, whatever token it gives, and one that gives a token alone goes on', () =>
  withStore(async (store, service) => {
    await store.put('x', bytes('body'));
    const whole = '<IsTruncated>false</IsTruncated>';
    for (const token of ['', 'x']) {
      const given = `<NextContinuationToken>${token}</NextContinuationToken>`;
      service.fate = () => ({ rewrites: (listing) => listing.replace(whole, whole + given) });
      assert.deepEqual(await storeKeys(store), ['x']);
    }
    const given = '<NextContinuationToken>a</NextContinuationToken>';
    service.fate = ({ path }) =>
      path.includes('continuation-token') ? 'pass' : { rewrites: (listing) => listing.replace(whole, given) };
    service.requests.length = 0;
    await storeKeys(store);
    assert.equal(service.requests.length, 2);
  }));

test('keys of another prefix that begins with the same letters are not listed', () =>
  withStore(async (store, service) => {
    await store.put('x', bytes('in'));
    const other = await openStore(`s3://${service.bucket}/run-2`, {
      s3: { endpoint: service.endpoint },
      access: 'read',
    });
    await other.put('y', bytes('out'));
    await other.close();
    assert.deepEqual(await storeKeys(store), ['x']);
  }));

/** Opens a store that cannot be opened, and gives its error. */
async function openingError(uri: string, endpoint: string): Promise<ConfigError> {
  try {
    const store = await openStore(uri, { s3: { endpoint } });
    await store.close();
  } catch (error) {
    assert.ok(error instanceof ConfigError, describeError(error));
    const shown = describeError(error);
    assert.ok(shown.includes(endpoint), shown);
    assert.ok(!shown.includes('test-secret'), shown);
    return error;
  }
  throw new Error('the store could be opened');
}

test('a bucket that does not exist is a configuration error', () =>
  withS3({ conditionalPuts: true }, async ({ endpoint, requests }) => {
    const error = await openingError('s3://no-such-bucket/run', endpoint);
    assert.equal(error.code, 'no-bucket');
    assert.match(error.message, /no-such-bucket/);
    assert.ok(requests.every(({ method }) => method === 'GET'));
  }));

for (const [what, type, body] of [
  ['a web server', 'text/plain', 'nope'],
  ['a service with an error of its own', 'application/xml', '<Error><Code>NotFound</Code></Error>'],
] as const) {
  test(`${what} that finds nothing is not taken for a service without the bucket alone`, async () => {
    const server = createServer((_, response) => response.writeHead(404, { 'content-type': type }).end(body));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const error = await withEnvironment(CREDENTIALS, () => openingError('s3://faces/run', endpoint));
      assert.equal(error.code, 'not-s3');
      assert.match(error.message, /^endpoint is no S3 service, or the bucket does not exist \[bucket=faces,/);
    } finally {
      server.close();
    }
  });
}

for (const [code, expected] of [
  ['InvalidAccessKeyId', 'bad-credentials'],
  ['SignatureDoesNotMatch', 'bad-credentials'],
  ['AccessDenied', 'access-denied'],
] as const) {
  test(`a service that answers ${code} is a configuration error`, () =>
    withS3({ conditionalPuts: true }, async (service) => {
      service.fate = () => ({ status: 403, code });
      assert.equal((await openingError(`s3://${service.bucket}/run`, service.endpoint)).code, expected);
    }));
}

test('a bucket that may be read and not written is a configuration error, unless it is opened for reading', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    service.fate = ({ method }) => (method === 'PUT' ? { status: 403, code: 'AccessDenied' } : 'pass');
    assert.equal((await openingError(`s3://${service.bucket}/run`, service.endpoint)).code, 'access-denied');
    const uri = `s3://${service.bucket}/run`;
    await (await openStore(uri, { s3: { endpoint: service.endpoint }, access: 'read' })).close();
  }));

test('a bucket that may be written and not deleted from is a configuration error that names the right', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    service.fate = ({ method }) => (method === 'DELETE' ? { status: 403, code: 'AccessDenied' } : 'pass');
    const error = await openingError(`s3://${service.bucket}/run`, service.endpoint);
    assert.equal(error.code, 'access-denied');
    assert.match(error.message, /s3:DeleteObject/);
    // What fails in passing is no reason to refuse.
    service.fate = ({ method }) => (method === 'DELETE' ? { status: 409, code: 'OperationAborted' } : 'pass');
    await (await openStore(`s3://${service.bucket}/run`, { s3: { endpoint: service.endpoint } })).close();
  }));

test('a service that never answers is a configuration error', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    service.fate = () => 'silence';
    assert.equal((await openingError(`s3://${service.bucket}/run`, service.endpoint)).code, 'unreachable');
  }));

test('an endpoint where nothing listens is a configuration error', async () => {
  // A port that was free a moment ago.
  const endpoint = await withS3({ conditionalPuts: true }, async (service) => service.endpoint);
  await withEnvironment({ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret' }, async () => {
    assert.equal((await openingError('s3://bucket/run', endpoint)).code, 'unreachable');
  });
});

/** What is said of a machine without a role, with these configuration files and variables alone. */
async function credentialsError(
  config: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  return withTempFolder((folder) =>
    withS3({ conditionalPuts: true }, async ({ endpoint, requests }) => {
      await writeFile(join(folder, 'config'), config);
      const environment = {
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
        AWS_CONFIG_FILE: join(folder, 'config'),
        ...variables,
      };
      return withEnvironment(environment, async () => {
        const error = await openingError('s3://posecast-test/run', endpoint);
        assert.equal(error.code, 'no-credentials');
        assert.deepEqual(requests, []);
        return error.message;
      });
    }),
  );
}

test('missing credentials are a configuration error that names the profile that was looked at', async () => {
  assert.match(
    await credentialsError(''),
    /^no AWS credentials found in environment, profile or machine role \[.*, profile=default\]$/,
  );
  const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret' };
  assert.match(
    await credentialsError('[profile night]\nregion = eu-west-9\n', { ...keys, AWS_PROFILE: 'night' }),
    /^no AWS credentials found in profile or machine role \[.*, profile=night\]$/,
  );
});

test('half a pair of keys is named, with where it lies', async () => {
  const half = (there: string, lacking: string, where: string) =>
    new RegExp(
      `^AWS credentials: expected a pair of keys, found ${there} without ${lacking} in the ${where}\\]$`,
    );
  const id = half('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'environment \\[.*, profile=default');
  assert.match(await credentialsError('', { AWS_ACCESS_KEY_ID: 'test' }), id);
  const secret = half('AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID', 'environment \\[.*, profile=default');
  assert.match(await credentialsError('', { AWS_SECRET_ACCESS_KEY: 'test-secret' }), secret);
  const inProfile = (profile: string) =>
    half('aws_access_key_id', 'aws_secret_access_key', `profile \\[.*, profile=${profile}`);
  assert.match(await credentialsError('[default]\naws_access_key_id = K\n'), inProfile('default'));
  const chain = '[profile night]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n';
  assert.match(
    await credentialsError(`${chain}[profile base]\naws_access_key_id = K\n`, { AWS_PROFILE: 'night' }),
    inProfile('base'),
  );
  assert.match(
    await credentialsError('[profile night]\nsource_profile = night\n', { AWS_PROFILE: 'night' }),
    /^no AWS credentials found in profile or machine role /,
  );
});

test('keys in the environment beside a profile that is named are passed over without a word of the SDK', (t) =>
  withTempFolder((folder) =>
    withS3({ conditionalPuts: true }, async ({ endpoint, bucket, requests }) => {
      const keys = 'aws_access_key_id = PROFILEKEY\naws_secret_access_key = profile-secret\n';
      await writeFile(join(folder, 'credentials'), `[night]\n${keys}`);
      const files = {
        AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
        AWS_CONFIG_FILE: join(folder, 'config'),
      };
      const warn = t.mock.method(console, 'warn', () => {});
      await withEnvironment(files, async () => {
        const options = { s3: { endpoint, profile: 'night' }, access: 'read' } as const;
        await (await openStore(`s3://${bucket}/run`, options)).close();
      });
      assert.match(requests.at(-1)?.headers.authorization ?? '', /Credential=PROFILEKEY\//);
      assert.deepEqual(
        warn.mock.calls.flatMap(({ arguments: words }) => words),
        [],
      );
    }),
  ));

test('a bucket that no store can have is refused with the rule for names, an address without one with its form', async () => {
  for (const [uri, rule] of [
    ['s3://b/x', /^the bucket of an S3 address must have 3 to 63 letters, .* \[uri=s3:\/\/b\/x\]$/],
    [`s3://${'b'.repeat(64)}`, /^the bucket of an S3 address must have 3 to 63 letters, /],
    ['s3://-faces/x', /, the first and the last a letter or a digit /],
    ['s3:///x', /^an S3 address must be s3:\/\/bucket or s3:\/\/bucket\/prefix /],
  ] as const) {
    await assert.rejects(openStore(uri), { code: 'bad-uri', message: rule });
  }
});

test('an endpoint with a password in it is refused without showing it', async () => {
  const opening = openStore('s3://bucket/run', { s3: { endpoint: 'http://user:hunter2@127.0.0.1:1' } });
  await assert.rejects(
    opening,
    (error: Error) => error instanceof ConfigError && !error.message.includes('hunter2'),
  );
});

for (const uri of [
  '',
  's3://',
  's3://b',
  's3://bucket/../x',
  's3://bucket/a//b',
  'gs://bucket/x',
  'file://host/x',
]) {
  test(`${JSON.stringify(uri)} is refused as an output`, async () => {
    await assert.rejects(openStore(uri, { s3: { endpoint: 'http://127.0.0.1:1' } }), {
      name: 'ConfigError',
      code: 'bad-uri',
    });
  });
}
