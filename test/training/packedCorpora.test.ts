/** A training and an evaluation see the same photographs, whatever they are packed in. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import sharp from 'sharp';
import { type ListedCorpus, openListedCorpus } from '../../src/cli/listedCorpus.ts';
import { corpusFromOptions } from '../../src/cli/options/corpusOptions.ts';
import { embedViews } from '../../src/evaluate/corpus/embedViews.ts';
import { drawExamples } from '../../src/evaluate/examples.ts';
import { createReleasers } from '../../src/shared/async/releasers.ts';
import { type Photographs, READ_AHEAD } from '../../src/shared/corpus/photographs.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import { photographDigest } from '../../src/shared/photographDigest.ts';
import { collectSamples } from '../../src/training/collectSamples.ts';
import { photographRecords } from '../../src/training/photographRecords.ts';
import { type PipelineModels, resolvePipelineModels } from '../../src/worker/models/pipelineModels.ts';
import { PACKED, packPhotographs } from '../helpers/packedPhotographs.ts';
import { samplePhotographs } from '../helpers/photographs.ts';
import { putObjects } from '../helpers/s3Objects.ts';
import { withS3 } from '../helpers/services/s3.ts';

const signal = new AbortController().signal;
/** Of three people one each. */
const photographs = samplePhotographs(3).filter(({ name }) => name === 'neutral.jpg');
const releasers = createReleasers();
let folder = '';
let models: PipelineModels;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posecast-packed-'));
  await packPhotographs(photographs, folder);
  models = await resolvePipelineModels({ detector: 'fr-detect', recognizer: 'fr-feature' }, () => {});
});
after(async () => {
  await releasers.release();
  await rm(folder, { recursive: true });
});

async function listed(corpus: string, s3 = {}): Promise<ListedCorpus> {
  const options = { out: '/elsewhere', s3, signal, note: () => {}, releasers };
  return openListedCorpus(await corpusFromOptions(corpus, {}), options);
}

/** What the training's card remembers of a corpus; `work` is its cache. */
function records(corpus: ListedCorpus, work: string) {
  const quiet = { stage() {}, progress() {}, log() {}, note() {}, signal };
  return photographRecords({ ...corpus, models }, join(folder, `${work}.json`), quiet);
}

/** Embeddings of the whole corpus, of the same photographs in the same order whatever they are called. */
async function embeddings(corpus: ListedCorpus, work: string): Promise<[string, string][]> {
  const views = [{ kind: 'photograph' }] as const;
  const requests = corpus.faces.map((face) => ({ photographs: corpus.photographs, face, views }));
  const options = { recognizers: [models], work: join(folder, work), signal, progress: () => {} };
  const answers = await embedViews(requests, options);
  return answers
    .map(({ sha256, outcomes }): [string, string] => {
      const [outcome] = outcomes.get('fr-feature') ?? [];
      assert.equal(outcome?.status, 'ok');
      return [sha256 ?? '', String(outcome.view.embedding)];
    })
    .sort();
}

test('every kind of corpus gives the bytes of each photograph, in any order and again', async () => {
  const expected = photographs.map(({ bytes }) => photographDigest(bytes)).sort();
  for (const name of PACKED) {
    const { faces, photographs: images } = await listed(join(folder, name));
    const read = async (face: FaceRecord) => {
      const outcome = await images.read(face);
      return outcome.status === 'ok' ? photographDigest(outcome.bytes) : outcome.rejection.code;
    };
    const together = await Promise.all(faces.map(read));
    assert.deepEqual([...together].sort(), expected, name);
    for (const [i, face] of [...faces.entries()].reverse()) assert.equal(await read(face), together[i], name);
  }
});

test('a tar, a RecordIO archive and tables, here and in S3, give the records and embeddings of the folder', () =>
  withS3({ conditionalPuts: false }, async (service) => {
    const plain = await listed(join(folder, 'photos'));
    const expected = await records(plain, 'folder');
    assert.equal(expected.photographDigests.length, photographs.length);
    assert.equal(expected.cropHashes.length, photographs.length);
    const embedded = await embeddings(plain, 'work-folder');
    for (const name of ['faces.tar', 'faces.rec', 'faces.parquet']) {
      const packed = await listed(join(folder, name));
      assert.equal(packed.faces.length, photographs.length, name);
      assert.deepEqual(await embeddings(packed, `work-${name}`), embedded, name);
    }
    const archives = ['faces.tar', 'faces.rec', 'faces.idx', 'faces.parquet'];
    await putObjects(
      service,
      Object.fromEntries(archives.map((name) => [`c/${name}`, readFileSync(join(folder, name))])),
    );
    for (const name of ['faces.tar', 'faces.rec', 'faces.parquet']) {
      const far = await listed(`s3://${service.bucket}/c/${name}`, { endpoint: service.endpoint });
      // A RecordIO archive calls people by numbers.
      const found = { ...(await records(far, `s3-${name}`)), subjectDigests: expected.subjectDigests };
      assert.deepEqual(found, expected, name);
    }
  }));

test('samples of a training come out of a table as photographs come out of a folder', async () => {
  const { faces, photographs: images } = await listed(join(folder, 'faces.parquet'));
  const { samples, counts } = await collectSamples({
    faces: faces.slice(0, 1),
    photographs: images,
    models: models.models,
    seed: 1,
    renders: true,
    invented: { count: 0, from: new Set() },
    signal,
    progress: () => {},
    rejected: () => {},
    turned: async () => {},
  });
  assert.ok(counts.renders > 0);
  const [real, ...others] = samples.filter(({ gridIndex }) => gridIndex === -1);
  assert.deepEqual(others, []);
  const plain = await embeddings(await listed(join(folder, 'photos')), 'work-folder');
  assert.ok(plain.some(([, embedding]) => embedding === String(real?.embedding)));
});

test('photographs are read ahead, a few at a time, and answered in their order', async () => {
  const { faces, photographs: images } = await listed(join(folder, 'faces.rec'));
  let [now, most] = [0, 0];
  const counted: Photographs = {
    ...images,
    async read(face) {
      most = Math.max(most, ++now);
      const read = await images.read(face);
      now--;
      return read;
    },
  };
  const views = [{ kind: 'photograph' }] as const;
  const again = Array.from({ length: 4 * READ_AHEAD }, (_, i) => faces[i % faces.length]!);
  const requests = again.map((face) => ({ photographs: counted, face, views }));
  const answers = await embedViews(requests, {
    ...{ recognizers: [models], work: join(folder, 'ahead'), signal, progress: () => {} },
  });
  assert.equal(most, READ_AHEAD);
  const digests = await Promise.all(
    again.map(async (face) => {
      const read = await images.read(face);
      return read.status === 'ok' ? photographDigest(read.bytes) : read.rejection.code;
    }),
  );
  assert.deepEqual(
    answers.map(({ sha256 }) => sha256),
    digests,
  );
});

test('pictures of the report come out of an archive and a table, also when all are asked for at once', async () => {
  for (const name of ['faces.tar', 'faces.parquet']) {
    const { faces, photographs: images } = await listed(join(folder, name));
    const files = new Map(faces.map((face) => [face.faceId, { photographs: images, face }]));
    const [enrolment, probe, other] = faces.map(({ faceId, subjectId }) => {
      return { faceId, subjectId, yaw: 0, pitch: 0, embedding: new Float32Array() };
    });
    assert.ok(enrolment !== undefined && probe !== undefined && other !== undefined);
    const shown = { group: 'wrong both ways', subjectId: '1', mistakenFor: '2', enrolment, probe, other };
    for (const { pictures } of await drawExamples([shown, shown], files)) {
      const drawn = pictures.map(({ jpeg }) => jpeg);
      assert.equal(new Set(drawn).size, 3, name);
      for (const jpeg of drawn) {
        const { format, height } = await sharp(Buffer.from(jpeg, 'base64')).metadata();
        assert.deepEqual([format, height], ['jpeg', 112]);
      }
    }
  }
});

test('photographs that cannot be read are rejections of stage read, and the others go on', async () => {
  const { faces, photographs: images } = await listed(join(folder, 'faces.tar'));
  const views = [{ kind: 'photograph' }] as const;
  const [good, other] = faces;
  assert.ok(good !== undefined && other !== undefined);
  const moved = { ...other, offset: (other.offset ?? 0) + 1024 };
  const gone = { ...other, uri: 'elsewhere.tar' };
  const requests = [{ ...other, offset: 1e12 }, gone, moved, good].map((face) => ({
    ...{ photographs: images, face, views },
  }));
  const answers = await embedViews(requests, {
    ...{ recognizers: [models], work: join(folder, 'rejects'), signal, progress: () => {} },
  });
  const outcomes = answers.map(({ outcomes }) => outcomes.get('fr-feature')?.[0]);
  const shown = outcomes.map((outcome) =>
    outcome?.status === 'rejected' ? `${outcome.rejection.stage}/${outcome.rejection.code}` : outcome?.status,
  );
  assert.deepEqual(shown, ['read/beyond-end', 'read/missing', 'read/another-member', 'ok']);
});
