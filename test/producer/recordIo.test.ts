import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ArchiveFile } from '../../src/producer/readers/archiveFile.ts';
import { openForwardReader } from '../../src/producer/readers/forwardReader.ts';
import { createIgnoredEntries, describeIgnored } from '../../src/producer/readers/ignored.ts';
import { type RecordIoCorpus, recordIoFaces } from '../../src/producer/readers/recordIo.ts';
import { imageOfRecord } from '../../src/shared/corpus/imageRecord.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import {
  type ArchiveImage,
  packImage,
  type WrittenArchive,
  writeArchive,
  writeInsightFaceArchive,
} from '../helpers/recordIoWriter.ts';
import { collect } from './corpusFiles.ts';

const MAGIC = Buffer.from('0a23d7ce', 'hex');
const image = (text: string): Buffer => Buffer.from(`image ${text}`);

function file(name: string, bytes: Uint8Array): ArchiveFile {
  const read = async (start: number, end: number) => {
    assert.ok(start >= 0 && start <= end && end <= bytes.length, `read of ${start} to ${end}`);
    return bytes.subarray(start, end);
  };
  const source = {
    uri: name,
    bytes: bytes.length,
    far: false,
    read: ({ start, end }: { start: number; end: number }) => read(start, end),
    close: async () => {},
  };
  return {
    uri: name,
    name: `/corpus/${name}`,
    bytes: bytes.length,
    read,
    forward: () => openForwardReader(source, new AbortController().signal),
  };
}

function corpusOf(archive: Partial<WrittenArchive>, more: Partial<RecordIoCorpus> = {}): RecordIoCorpus {
  return {
    rec: file('train.rec', archive.rec ?? Buffer.alloc(0)),
    ...(archive.idx !== undefined && { idx: file('train.idx', Buffer.from(archive.idx)) }),
    labelColumns: [],
    readBroken: false,
    ...more,
  };
}

async function facesOf(corpus: RecordIoCorpus): Promise<{ faces: FaceRecord[]; ignored: string[] }> {
  const ignored = createIgnoredEntries();
  const faces = await collect(recordIoFaces(corpus, ignored));
  return { faces, ignored: describeIgnored(ignored) };
}

/** `subject/face: image` of every face, the image taken from the bytes that the face names. */
function readable(rec: Buffer, faces: readonly FaceRecord[]): string[] {
  return faces.map(({ subjectId, faceId, offset, bytes }) => {
    const found = imageOfRecord(rec.subarray(offset as number, (offset as number) + bytes));
    assert.equal(found.status, 'ok');
    return `${subjectId}/${faceId}: ${Buffer.from(found.image).toString('latin1')}`;
  });
}

const PEOPLE: readonly (readonly ArchiveImage[])[] = [
  [
    { label: 0, image: image('a') },
    { label: 0, image: image('b') },
  ],
  [{ label: [1, 0.5], image: Buffer.concat([image('cc'), MAGIC, image('c'), MAGIC]) }],
  [{ label: [2, -3], image: image('d') }],
];
const LISTED = [
  '0/1: image a',
  '0/2: image b',
  `1/3: image cc${MAGIC.toString('latin1')}image c${MAGIC.toString('latin1')}`,
  '2/4: image d',
];

test('an archive of InsightFace is its images: header and identity records are none', async () => {
  const archive = writeInsightFaceArchive(PEOPLE);
  for (const corpus of [corpusOf(archive), corpusOf({ rec: archive.rec })]) {
    const { faces, ignored } = await facesOf(corpus);
    assert.deepEqual(readable(archive.rec, faces), LISTED);
    assert.deepEqual(ignored, []);
  }
});

test('an archive without a header record is all its records, record 0 as well', async () => {
  const archive = writeArchive([
    packImage(7, 0, image('x')),
    packImage(12, 1, image('y')),
    packImage(7, 2, image('z')),
  ]);
  for (const corpus of [corpusOf(archive), corpusOf({ rec: archive.rec })]) {
    const { faces } = await facesOf(corpus);
    assert.deepEqual(readable(archive.rec, faces), ['12/1: image y', '7/0: image x', '7/2: image z']);
  }
});

test('keys are those of the index, in any order of its lines, and records that it leaves out are not the corpus', async () => {
  const archive = writeArchive(['x', 'y', 'z'].map((text, i) => packImage(1, i, image(text))));
  const [x = 0, , z = 0] = archive.offsets;
  const { faces } = await facesOf(corpusOf({ rec: archive.rec, idx: `90\t${z}\r\n8\t${x}\n` }));
  assert.deepEqual(readable(archive.rec, faces), ['1/8: image x', '1/90: image z']);
});

test('any archive is listed in the order of a listing, each face with the bytes of its record', async () => {
  const bytes = fc
    .array(fc.oneof(fc.constant(MAGIC), fc.uint8Array({ maxLength: 9 })), { minLength: 1, maxLength: 5 })
    .map((pieces) => Buffer.concat(pieces))
    // Record 0 with two labels and no image is a header.
    .filter((image) => image.length > 0);
  const label = fc.oneof(fc.nat(9), fc.tuple(fc.nat(9), fc.integer({ min: -5, max: 5 })));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ label, image: bytes }), { minLength: 1, maxLength: 8 }),
      async (images) => {
        const archive = writeArchive(images.map(({ label, image }, i) => packImage(label, i, image)));
        const { faces } = await facesOf(corpusOf(archive));
        const expected = images
          .map(({ label, image }, i) => ({
            subject: [label].flat()[0],
            face: i,
            image: image.toString('latin1'),
          }))
          .sort((a, b) => (a.subject ?? 0) - (b.subject ?? 0) || a.face - b.face)
          .map(({ subject, face, image }) => `${subject}/${face}: ${image}`);
        assert.deepEqual(readable(archive.rec, faces), expected);
      },
    ),
    { numRuns: 100 },
  );
});

test('a broken archive is refused with file, record and offset; its intact part is taken on request', async () => {
  const archive = writeInsightFaceArchive(PEOPLE);
  const third = archive.offsets[3] as number;
  const cut = archive.rec.subarray(0, third + 12);
  const lying = Buffer.from(archive.rec);
  lying.writeUInt32LE(0x1fffffff, (archive.offsets[2] as number) + 4);
  const overwritten = Buffer.from(archive.rec).fill(0xff, third, third + 4);
  for (const [rec, problem, left] of [
    [
      cut,
      new RegExp(`expected a part of \\d+ bytes, found 12 to the end of the file.*record=3, offset=${third}`),
      '0/1 0/2',
    ],
    [lying, /expected a part of 536870920 bytes.*train\.rec, record=2/, '0/1 1/3 2/4'],
    [
      overwritten,
      new RegExp(`expected the magic word ced7230a, found ffffffff.*offset=${third}`),
      '0/1 0/2 2/4',
    ],
  ] as const) {
    await assert.rejects(facesOf(corpusOf({ rec, idx: archive.idx })), problem);
    const { faces, ignored } = await facesOf(corpusOf({ rec, idx: archive.idx }, { readBroken: true }));
    assert.equal(faces.map(({ subjectId, faceId }) => `${subjectId}/${faceId}`).join(' '), left);
    assert.match(
      ignored.join('\n'),
      /^\d ignored: broken record \(train\.rec record \d at byte \d+: expected/,
    );
  }
});

test('without an index, the intact part of a broken archive ends where it breaks', async () => {
  const archive = writeInsightFaceArchive(PEOPLE);
  const rec = Buffer.from(archive.rec).fill(0xff, archive.offsets[3], (archive.offsets[3] as number) + 4);
  await assert.rejects(facesOf(corpusOf({ rec })), /magic word.*record=3/);
  const { faces } = await facesOf(corpusOf({ rec }, { readBroken: true }));
  assert.deepEqual(readable(rec, faces), LISTED.slice(0, 2));
});

test('an index that repeats a key, points beyond the archive or is none is refused', async () => {
  const archive = writeArchive([packImage(1, 0, image('x'))]);
  for (const [idx, problem] of [
    ['0\t0\n0\t0\n', /expected every key once, found 0 a second time \[file=\/corpus\/train\.idx\]/],
    [
      '0\t0\n1\t999999\n',
      /index points beyond the \d+ bytes of the file \[file=\/corpus\/train\.rec, record=1, offset=999999\]/,
    ],
    ['0 0\n', /expected key<tab>offset, found "0 0" \[file=\/corpus\/train\.idx, line=1\]/],
    ['0\t4\n', /magic word.*offset=4/],
  ] as const) {
    await assert.rejects(facesOf(corpusOf({ rec: archive.rec, idx })), problem);
  }
});

test('a label that is no number is refused', async () => {
  const archive = writeArchive([packImage(Number.NaN, 0, image('x'))]);
  await assert.rejects(facesOf(corpusOf(archive)), /expected a label that is a number, found NaN.*record=0/);
});

test("further labels and the list's path are label columns; a list that contradicts the archive is refused", async () => {
  const archive = writeInsightFaceArchive(PEOPLE);
  const labelColumns = [
    { name: 'label_1', type: 'number' },
    { name: 'path', type: 'string' },
  ] as const;
  const withList = (lst: string) =>
    corpusOf(archive, { labelColumns, lst: file('train.lst', Buffer.from(lst)) });
  for (const lst of [
    '4\t2\t-3\td.jpg\n1\t0\ta.jpg\n3\t1\tc.jpg\n9\t5\tgone.jpg\n',
    '1\ta.jpg\t0\n\n1\tc.jpg\t1\n0\td.jpg\t2\n1\tgone.jpg\t5',
  ]) {
    const { faces, ignored } = await facesOf(withList(lst));
    const labels = faces.map(({ faceId, labels }) => [faceId, ...(labels ?? [])]);
    assert.deepEqual(labels, [
      ['1', null, 'a.jpg'],
      ['2', null, null],
      ['3', 0.5, 'c.jpg'],
      ['4', -3, 'd.jpg'],
    ]);
    assert.deepEqual(ignored, ['1 ignored: in the list, not an image of the archive (gone.jpg)']);
  }
  await assert.rejects(
    facesOf(withList('1\t0\ta.jpg\n3\t0\tc.jpg\n')),
    /label that record 3 has, 1, found 0.*line=2/,
  );
  await assert.rejects(
    facesOf(withList('1\t0\ta.jpg\n1\t0\tb.jpg\n')),
    /every key once, found 1 a second time .*line=2/,
  );
  await assert.rejects(
    facesOf(withList('a.jpg\n')),
    /expected key<tab>label<tab>path or .*found "a\.jpg".*line=1/,
  );
});

test('a header that counts beyond what float32 says exactly loses no image and takes no identity for one', async () => {
  // 2^24 + 1 cannot be said in float32: the header says 2^24.
  const first = 2 ** 24 + 1;
  const empty = new Uint8Array(0);
  const archive = writeArchive([
    packImage([first, first + 1], 0, empty),
    packImage(0, first - 1, image('last')),
    packImage([1, first], first, empty),
  ]);
  const [a, b, c] = archive.offsets;
  const idx = `0\t${a}\n${first - 1}\t${b}\n${first}\t${c}\n`;
  const { faces } = await facesOf(corpusOf({ rec: archive.rec, idx }));
  assert.deepEqual(readable(archive.rec, faces), [`0/${first - 1}: image last`]);
});
