import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestCorpus, type WriteListingOptions, writeListing } from '../../../src/producer/writeListing.ts';
import type { FaceRecord } from '../../../src/shared/face.ts';
import { readListing } from '../../../src/shared/listing/listing.ts';
import { createPlanTableWriter, LISTING_COLUMNS } from '../../../src/shared/listing/listingTable.ts';
import { readPlan } from '../../../src/shared/listing/shardPlan.ts';
import { partKey, planKey } from '../../../src/shared/run/runKeys.ts';
import type { ObjectStore } from '../../../src/shared/store/objectStore.ts';
import { openStore } from '../../../src/shared/store/openStore.ts';
import { planShards } from '../../helpers/planShards.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';
import { collect } from '../../producer/corpusFiles.ts';

const OPTIONS: WriteListingOptions = {
  runId: 'r1',
  shardFaces: 4,
  shardBytes: 10_000,
  shardSubjects: 100,
  partRows: 10,
};

async function withStore<T>(body: (store: ObjectStore) => Promise<T>): Promise<T> {
  return withTempFolder(async (folder) => {
    const store = await openStore(join(folder, 'out'));
    try {
      return await body(store);
    } finally {
      await store.close();
    }
  });
}

/** Subjects with so many faces each, sorted. */
function corpusOf(counts: readonly number[], bytes = 7): FaceRecord[] {
  return counts.flatMap((count, s) =>
    Array.from({ length: count }, (_, f) => {
      const subjectId = `s${String(s).padStart(4, '0')}`;
      const faceId = `${subjectId}/${String(f).padStart(5, '0')}é.jpg`;
      return { faceId, subjectId, uri: faceId, bytes };
    }),
  );
}

async function* stream<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

test('the shards of a written listing give back the corpus, each subject in one shard', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 15 }), (counts) =>
      withStore(async (store) => {
        const corpus = corpusOf(counts);
        const written = await writeListing(stream(corpus), store, OPTIONS);
        const plan = await collect(readPlan(store, 'r1'));
        assert.equal(written?.shards, plan.length);
        const read: FaceRecord[] = [];
        const seen = new Set<string>();
        for (const { spec, faces, bytes } of plan) {
          const rows = await readListing(store, spec);
          const subjects = new Set(rows.map(({ subjectId }) => subjectId));
          for (const subject of subjects) assert.ok(!seen.has(subject));
          assert.equal(spec.firstClassIndex, seen.size);
          for (const subject of subjects) seen.add(subject);
          assert.deepEqual(
            { subjects: subjects.size, faces: rows.length, bytes: rows.length * 7 },
            { subjects: spec.subjects, faces, bytes },
          );
          read.push(...rows);
        }
        assert.deepEqual(read, corpus);
      }),
    ),
    { numRuns: 20 },
  );
});

test('the stored plan is the plan of the pure function', () =>
  withStore(async (store) => {
    const counts = [3, 1, 9, 2, 2, 1, 4, 4, 1];
    await writeListing(stream(corpusOf(counts)), store, OPTIONS);
    const stored = (await collect(readPlan(store, 'r1'))).map(({ spec }) => [
      spec.index,
      spec.part,
      spec.rowStart,
      spec.rowEnd,
    ]);
    const planned = planShards(
      counts.map((faces) => ({ faces, bytes: faces * 7 })),
      { ...OPTIONS, partRows: 10 },
    );
    assert.deepEqual(
      stored,
      planned.map((shard) => [shard.index, partKey('r1', shard.part), shard.rowStart, shard.rowEnd]),
    );
    assert.ok(
      planned.some(({ part }) => part > 0),
      'the example must have several parts',
    );
  }));

test('run.json learns of every part: key, rows, size and checksum', () =>
  withStore(async (store) => {
    const written = await writeListing(stream(corpusOf([4, 4, 4, 4, 4])), store, OPTIONS);
    assert.deepEqual(
      written?.listing.map(({ key, rows }) => [key, rows]),
      [
        [partKey('r1', 0), 12],
        [partKey('r1', 1), 8],
      ],
    );
    const stored = await collect(store.list('listing/'));
    assert.deepEqual(
      stored.map(({ key }) => key),
      [partKey('r1', 0), partKey('r1', 1), planKey('r1')],
    );
    assert.equal(stored[0]?.bytes, written?.listing[0]?.bytes);
    assert.deepEqual({ ...written?.corpus, sha256: '' }, { faces: 20, subjects: 5, bytes: 140, sha256: '' });
  }));

test('the fingerprint does not depend on parts and shards, but on every name, path and size', async () => {
  const corpus = corpusOf([3, 5, 2]);
  const digest = async (faces: readonly FaceRecord[]) => (await digestCorpus(stream(faces))).sha256;
  const whole = await digest(corpus);
  await withStore(async (store) => {
    const written = await writeListing(stream(corpus), store, { ...OPTIONS, partRows: 1, shardFaces: 1 });
    assert.equal(written?.corpus.sha256, whole);
  });
  const last = corpus.at(-1) as FaceRecord;
  for (const change of [{ faceId: 'z' }, { uri: 'z' }, { bytes: 8 }, { subjectId: 'z' }]) {
    assert.notEqual(await digest([...corpus.slice(0, -1), { ...last, ...change }]), whole);
  }
  assert.notEqual(await digest(corpus.slice(0, -1)), whole);
});

test('faces out of order are refused: they would split a subject', () =>
  withStore(async (store) => {
    const [a, b] = corpusOf([1, 1]) as [FaceRecord, FaceRecord];
    await assert.rejects(writeListing(stream([b, a]), store, OPTIONS), { code: 'unsorted-corpus' });
    await assert.rejects(writeListing(stream([a, a]), store, OPTIONS), { code: 'unsorted-corpus' });
  }));

test('an empty corpus writes nothing', () =>
  withStore(async (store) => {
    assert.equal(await writeListing(stream([]), store, OPTIONS), undefined);
    assert.deepEqual(await collect(store.list('')), []);
  }));

test('a subject larger than the limits stays whole and is reported', () =>
  withStore(async (store) => {
    const written = await writeListing(stream(corpusOf([2, 40, 2])), store, OPTIONS);
    assert.equal(written?.oversizeShards, 1);
    assert.deepEqual(written.largestSubject, { subjectId: 's0001', faces: 40, bytes: 280 });
  }));

test('a range is read from its row groups only', () =>
  withStore(async (store) => {
    const rows = corpusOf(Array.from({ length: 3_000 }, () => 10));
    await writeListing(stream(rows), store, { ...OPTIONS, partRows: 100_000, shardFaces: 500 });
    const key = partKey('r1', 0);
    let bytesRead = 0;
    const counting: ObjectStore = {
      ...store,
      get: async (at, range, signal) => {
        const body = await store.get(at, range, signal);
        bytesRead += body?.byteLength ?? 0;
        return body;
      },
    };
    const read = await readListing(counting, { part: key, rowStart: 15_000, rowEnd: 15_500 });
    assert.deepEqual(read, rows.slice(15_000, 15_500));
    const size = (await store.head(key))?.bytes ?? 0;
    assert.ok(bytesRead < size / 2 + 64 * 1024, `read ${bytesRead} of ${size} bytes`);
  }));

test('a part that is missing, too short or spoilt is refused by name', () =>
  withStore(async (store) => {
    await writeListing(stream(corpusOf([3])), store, OPTIONS);
    const part = partKey('r1', 0);
    const permanent = { name: 'PermanentShardError' };
    await assert.rejects(
      readListing(store, { part: 'listing/none.parquet', rowStart: 0, rowEnd: 1 }),
      permanent,
    );
    await assert.rejects(readListing(store, { part, rowStart: 0, rowEnd: 4 }), permanent);
    await store.put(part, Buffer.from('not a listing, whatever its name says'));
    await assert.rejects(readListing(store, { part, rowStart: 0, rowEnd: 1 }), {
      name: 'IntegrityError',
      message: /key=listing/,
    });
    await assert.rejects(collect(readPlan(store, 'another')), { name: 'IntegrityError', code: 'no-plan' });
  }));

test('an image inside an archive keeps its offset, and a listing may mix such images with whole files', () =>
  withStore(async (store) => {
    const corpus: FaceRecord[] = [
      { faceId: 'a', subjectId: 's', uri: '0.tar', bytes: 9, offset: 0 },
      { faceId: 'b', subjectId: 's', uri: '0.tar', bytes: 9, offset: 2 ** 40 + 512 },
      { faceId: 'c', subjectId: 's', uri: 'c.jpg', bytes: 9 },
    ];
    const written = await writeListing(stream(corpus), store, OPTIONS);
    const [shard] = await collect(readPlan(store, 'r1'));
    assert.deepEqual(await readListing(store, shard!.spec), corpus);
    const moved = [{ ...corpus[0]!, offset: 1 }, ...corpus.slice(1)];
    assert.notEqual((await digestCorpus(stream(moved))).sha256, written?.corpus.sha256);
  }));

test('names come back as they were listed, also those that begin with U+FEFF', () =>
  withStore(async (store) => {
    const labelColumns = [{ name: 'mood', type: 'string' }] as const;
    const corpus: FaceRecord[] = ['anna', '\uFEFFanna'].map((subjectId) => ({
      ...{ faceId: `${subjectId}/1.jpg`, subjectId, uri: `${subjectId}/1.jpg` },
      ...{ bytes: 9, labels: ['\uFEFFsad'] },
    }));
    await writeListing(stream(corpus), store, { ...OPTIONS, labelColumns });
    const [shard] = await collect(readPlan(store, 'r1'));
    assert.deepEqual(await readListing(store, shard!.spec, undefined, labelColumns), corpus);
  }));

test('labels and rows come back from a listing, and are part of the fingerprint of a corpus', () =>
  withStore(async (store) => {
    const labelColumns = [
      { name: 'mood', type: 'string' },
      { name: 'age', type: 'integer' },
      { name: 'size', type: 'number' },
    ] as const;
    const place = { subjectId: 's', uri: 't.parquet', bytes: 9 };
    const corpus: FaceRecord[] = [
      { ...place, faceId: 'a', row: 0, labels: ['ß', -(2 ** 52), 0.1] },
      { ...place, faceId: 'b', row: 2 ** 33, labels: [null, null, null] },
    ];
    const written = await writeListing(stream(corpus), store, { ...OPTIONS, labelColumns });
    const [shard] = await collect(readPlan(store, 'r1'));
    assert.deepEqual(await readListing(store, shard!.spec, undefined, labelColumns), corpus);
    const wrong = labelColumns.map((column) => ({ ...column, type: 'integer' as const }));
    await assert.rejects(readListing(store, shard!.spec, undefined, wrong), { code: 'bad-listing' });
    for (const other of [{ labels: ['ß', 0, 0.1] }, { row: 1 }]) {
      const changed = [{ ...corpus[0]!, ...other }, corpus[1]!];
      assert.notEqual((await digestCorpus(stream(changed))).sha256, written?.corpus.sha256);
    }
  }));

test('a part of several row groups gives back every row, also where only some groups have absent values', () =>
  withStore(async (store) => {
    const corpus = corpusOf(Array.from({ length: 1_250 }, () => 20)).map((face, i) => ({
      ...face,
      ...(i >= 5_000 && i < 12_000 && { offset: i * 2 ** 20 }),
    }));
    const written = await writeListing(stream(corpus), store, { ...OPTIONS, partRows: 500_000 });
    const [part] = written!.listing;
    assert.equal(part?.rows, 25_000);
    const body = (await store.get(part.key)) ?? new Uint8Array(0);
    assert.equal(createHash('sha256').update(body).digest('hex'), part.sha256);
    assert.deepEqual(await readListing(store, { part: part.key, rowStart: 0, rowEnd: 25_000 }), corpus);
    for (const [rowStart, rowEnd] of [
      [9_999, 10_001],
      [20_000, 20_001],
    ] as const) {
      const read = await readListing(store, { part: part.key, rowStart, rowEnd });
      assert.deepEqual(read, corpus.slice(rowStart, rowEnd));
    }
  }));

test('the size and the footer of a part are asked for once, and again after it could not be read', () =>
  withStore(async (real) => {
    const asked: string[] = [];
    let broken = false;
    const store: ObjectStore = {
      ...real,
      head: (key, signal) => {
        asked.push('head');
        return real.head(key, signal);
      },
      get: async (key, range, signal) => {
        asked.push('get');
        const body = await real.get(key, range, signal);
        return broken ? body?.subarray(1) : body;
      },
    };
    await writeListing(stream(corpusOf([2, 2])), store, OPTIONS);
    const range = { part: partKey('r1', 0), rowStart: 0, rowEnd: 2 };
    const read = async () => {
      asked.length = 0;
      const rows = await readListing(store, range);
      return { rows: rows.length, heads: asked.filter((one) => one === 'head').length, gets: asked.length };
    };
    const first = await read();
    assert.equal(first.heads, 1);
    const second = await read();
    assert.equal(second.heads, 0);
    assert.equal(second.gets, first.gets - 2);
    broken = true;
    await assert.rejects(readListing(store, range), { name: 'IntegrityError' });
    broken = false;
    assert.deepEqual(await read(), first);
  }));

test('a listing of an earlier version, without offsets, is read', () =>
  withStore(async (store) => {
    const { offset: _offset, row: _row, ...earlier } = LISTING_COLUMNS;
    const table = createPlanTableWriter(earlier);
    await table.append({ face_id: 'f', subject_id: 's', uri: 'f.jpg', bytes: 3 });
    await store.put(partKey('r1', 0), await table.finish());
    assert.deepEqual(await readListing(store, { part: partKey('r1', 0), rowStart: 0, rowEnd: 1 }), [
      { faceId: 'f', subjectId: 's', uri: 'f.jpg', bytes: 3 },
    ]);
  }));

test('the fingerprint of a corpus of whole files is the one of earlier versions', async () => {
  const { sha256 } = await digestCorpus(stream(corpusOf([2, 1])));
  const lines = ['s0000/00000é.jpg', 's0000/00001é.jpg', 's0001/00000é.jpg'].map(
    (name) => `["${name.slice(0, 5)}","${name}","${name}",7]\n`,
  );
  assert.equal(sha256, createHash('sha256').update(lines.join('')).digest('hex'));
});
