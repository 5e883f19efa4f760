/** Every request to a store is counted, with how it ended and how often it was sent again. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCorpusSource } from '../../src/shared/corpus/openCorpusSource.ts';
import type { StoreRequest, StoreRetry } from '../../src/shared/store/observedStore.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { withS3 } from '../helpers/services/s3.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const bytes = new Uint8Array(1000);

test('requests are told with operation, code and bytes', () =>
  withTempFolder(async (folder) => {
    const heard: StoreRequest[] = [];
    const store = await openStore(join(folder, 'out'), { onRequest: (request) => heard.push(request) });
    await store.put('a/b', bytes);
    assert.equal(await store.putIfAbsent('a/c', bytes), true);
    assert.equal(await store.putIfAbsent('a/c', bytes), false);
    assert.equal((await store.get('a/b'))?.length, 1000);
    assert.equal((await store.get('a/b', { start: 10, end: 20 }))?.length, 10);
    assert.equal(await store.get('a/none'), undefined);
    await store.head('a/b');
    let listed = 0;
    for await (const _ of store.list('a/')) listed++;
    for await (const _ of store.list('a/')) break;
    await store.delete('a/b');
    await assert.rejects(store.get('a/c', { start: 0, end: 2000 }));
    await store.close();
    assert.equal(listed, 2);
    assert.deepEqual(
      heard.map(({ operation, code, sentBytes, receivedBytes }) => [
        operation,
        code,
        sentBytes,
        receivedBytes,
      ]),
      [
        ['put', 'ok', 1000, 0],
        ['put-if-absent', 'ok', 1000, 0],
        ['put-if-absent', 'ok', 1000, 0],
        ['get', 'ok', 0, 1000],
        ['get', 'ok', 0, 10],
        ['get', 'ok', 0, 0],
        ['head', 'ok', 0, 0],
        ['list', 'ok', 0, 0],
        ['list', 'ok', 0, 0],
        ['delete', 'ok', 0, 0],
        ['get', 'bad-range', 0, 0],
      ],
    );
    for (const { ms } of heard) assert.ok(ms >= 0);
  }));

test('requests that are broken off count as aborted, whatever their signal was aborted with', () =>
  withTempFolder(async (folder) => {
    const heard: StoreRequest[] = [];
    const store = await openStore(join(folder, 'out'), { onRequest: (request) => heard.push(request) });
    await store.put('a/b', bytes);
    const stop = new AbortController();
    stop.abort(new Error('the worker is stopping'));
    await assert.rejects(store.put('a/c', bytes, stop.signal), /the worker is stopping/);
    await store.close();
    assert.deepEqual(
      heard.map(({ code }) => code),
      ['ok', 'aborted'],
    );
  }));

test('what the S3 client sends again is told with the reason, and the request still counts once', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    const heard: StoreRequest[] = [];
    const retries: StoreRetry[] = [];
    const store = await openStore(`s3://${service.bucket}/run`, {
      s3: { endpoint: service.endpoint },
      onRequest: (request) => heard.push(request),
      onRetry: (retry) => retries.push(retry),
    });
    const failing = (method: string, times: number, fate: ReturnType<typeof service.fate>) => {
      let left = times;
      service.fate = (request) => (request.method === method && left-- > 0 ? fate : 'pass');
    };
    assert.deepEqual(retries, []);
    failing('PUT', 2, { status: 503, code: 'SlowDown' });
    await store.put('a', bytes);
    failing('PUT', 1, { status: 500, code: 'InternalError' });
    assert.equal(await store.putIfAbsent('commit', bytes), true);
    failing('GET', 1, 'lose-answer');
    await store.get('a');
    failing('GET', 1, 'cut-body');
    await store.get('a');
    await store.close();
    // A body that ends early is seen as that or as the connection that broke, whichever is noticed first.
    const told = retries.map(({ operation, code }) => [
      operation,
      code === 'cut-short' ? 'ECONNRESET' : code,
    ]);
    assert.deepEqual(told, [
      ['put', '503'],
      ['put', '503'],
      ['put-if-absent', '500'],
      ['get', 'ECONNRESET'],
      ['get', 'ECONNRESET'],
    ]);
    assert.deepEqual(
      heard.map(({ operation, code }) => [operation, code]),
      [
        ['put', 'ok'],
        ['put-if-absent', 'ok'],
        ['get', 'ok'],
        ['get', 'ok'],
      ],
    );
  }));

test('reads of a corpus are told as those of OUT are, rejections by their code', () =>
  withS3({ conditionalPuts: true }, async (service) => {
    const store = await openStore(`s3://${service.bucket}/faces`, { s3: { endpoint: service.endpoint } });
    await store.put('a.jpg', bytes);
    await store.close();
    const heard: StoreRequest[] = [];
    const retries: StoreRetry[] = [];
    const source = await openCorpusSource(`s3://${service.bucket}/faces`, {
      s3: { endpoint: service.endpoint },
      listeners: { onRequest: (request) => heard.push(request), onRetry: (retry) => retries.push(retry) },
    });
    const { signal } = new AbortController();
    await source.read('a.jpg', undefined, signal);
    await source.read('none.jpg', undefined, signal);
    await source.read('a.jpg', { start: 990, end: 1010 }, signal);
    const file = await source.open('a.jpg', signal);
    let left = 1;
    service.fate = ({ method }) =>
      method === 'GET' && left-- > 0 ? { status: 503, code: 'SlowDown' } : 'pass';
    await file.read({ start: 10, end: 20 }, signal);
    await file.close();
    await source.close();
    assert.deepEqual(
      heard.map(({ operation, code, receivedBytes }) => [operation, code, receivedBytes]),
      [
        ['get', 'ok', 1000],
        ['get', 'missing', 0],
        ['get', 'beyond-end', 0],
        ['head', 'ok', 0],
        ['get', 'ok', 10],
      ],
    );
    assert.deepEqual(retries, [{ operation: 'get', code: '503' }]);
  }));
