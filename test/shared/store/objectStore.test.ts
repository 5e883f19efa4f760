/** The rules every store follows, tried on each implementation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeKeys as keys, STORES } from '../../helpers/stores.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const text = (found: Uint8Array | undefined) =>
  found === undefined ? undefined : Buffer.from(found).toString();

for (const [name, withStore] of Object.entries(STORES)) {
  test(`${name}: what was put is what is got, whole and by range`, () =>
    withStore(async (store) => {
      await store.put('a/b.txt', bytes('0123456789'));
      assert.equal(text(await store.get('a/b.txt')), '0123456789');
      assert.equal(text(await store.get('a/b.txt', { start: 3, end: 5 })), '34');
      assert.equal(text(await store.get('a/b.txt', { start: 4, end: 4 })), '');
      await assert.rejects(store.get('a/b.txt', { start: 5, end: 11 }), { code: 'bad-range' });
      assert.deepEqual(await store.head('a/b.txt'), { key: 'a/b.txt', bytes: 10 });
    }));

  test(`${name}: an empty object is an object`, () =>
    withStore(async (store) => {
      await store.put('_SUCCESS', new Uint8Array(0));
      assert.equal(text(await store.get('_SUCCESS')), '');
      assert.equal((await store.head('_SUCCESS'))?.bytes, 0);
    }));

  test(`${name}: an absent key is undefined and may be deleted`, () =>
    withStore(async (store) => {
      assert.equal(await store.get('no/such.key'), undefined);
      assert.equal(await store.get('no/such.key', { start: 0, end: 1 }), undefined);
      assert.equal(await store.head('no/such.key'), undefined);
      await store.delete('no/such.key');
      assert.deepEqual(await keys(store, 'no/'), []);
    }));

  test(`${name}: put replaces, putIfAbsent does not`, () =>
    withStore(async (store) => {
      assert.equal(await store.putIfAbsent('k', bytes('first')), true);
      assert.equal(await store.putIfAbsent('k', bytes('second')), false);
      assert.equal(text(await store.get('k')), 'first');
      await store.put('k', bytes('third'));
      assert.equal(text(await store.get('k')), 'third');
      await store.delete('k');
      assert.equal(await store.head('k'), undefined);
    }));

  test(`${name}: exactly one of many concurrent putIfAbsent wins, and its body is what stays`, () =>
    withStore(async (store) => {
      const rivals = Array.from({ length: 16 }, (_, i) => `body ${i}`);
      const won = await Promise.all(rivals.map((body) => store.putIfAbsent('commits/x.json', bytes(body))));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal(text(await store.get('commits/x.json')), rivals[won.indexOf(true)]);
    }));

  test(`${name}: a list has the keys under a prefix in byte order, and nothing of the store's own`, () =>
    withStore(async (store) => {
      const all = ['data/b', 'data/a/1', 'data/a-1', 'data/a.1', 'data/a', 'data.txt', 'commits/1'];
      // A folder cannot hold a file and a folder of one name.
      const made = all.filter((key) => key !== 'data/a');
      for (const key of made) await store.put(key, bytes('x'));
      const sorted = [...made].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(await keys(store, ''), sorted);
      assert.deepEqual(
        await keys(store, 'data/'),
        sorted.filter((key) => key.startsWith('data/')),
      );
      assert.deepEqual(
        await keys(store, 'data/a'),
        sorted.filter((key) => key.startsWith('data/a')),
      );
      assert.deepEqual(await keys(store, 'nothing/'), []);
    }));

  test(`${name}: a large object comes back byte for byte`, () =>
    withStore(async (store) => {
      const body = new Uint8Array(20 * 2 ** 20);
      for (let i = 0; i < body.length; i += 997) body[i] = i % 251;
      await store.put('data/large.parquet', body);
      const found = await store.get('data/large.parquet');
      assert.equal(Buffer.compare(body, found ?? new Uint8Array(0)), 0);
    }));

  test(`${name}: a body in pieces is one object, however it is cut`, () =>
    withStore(async (store) => {
      for (const lengths of [[], [0], [1, 0, 2], [5, 9 * 2 ** 20, 3, 12 * 2 ** 20, 7]]) {
        const pieces = lengths.map((length, i) => {
          const piece = new Uint8Array(length).fill(i + 1);
          for (let at = 0; at < length; at += 997) piece[at] = at % 251;
          return piece;
        });
        await store.put('data/pieces', pieces);
        const found = (await store.get('data/pieces')) ?? new Uint8Array(0);
        assert.equal(Buffer.compare(Buffer.concat(pieces), found), 0, `${lengths}`);
      }
    }));

  test(`${name}: a key that leaves the root or means different things in different places is refused`, () =>
    withStore(async (store) => {
      for (const key of [
        '',
        '/etc/passwd',
        '../x',
        'a/../../x',
        'a//b',
        'a/./b',
        'a\0b',
        'a\\b',
        '.posecast-tmp/x',
        'a/',
      ]) {
        for (const call of [
          () => store.put(key, bytes('x')),
          () => store.putIfAbsent(key, bytes('x')),
          () => store.get(key),
          () => store.head(key),
          () => store.delete(key),
        ]) {
          await assert.rejects(async () => call(), { code: 'bad-key' }, key);
        }
      }
      assert.deepEqual(await keys(store, ''), []);
    }));

  test(`${name}: an aborted put leaves nothing under its key`, () =>
    withStore(async (store) => {
      await assert.rejects(store.put('k', bytes('x'), AbortSignal.abort()));
      assert.equal(await store.head('k'), undefined);
    }));
}
