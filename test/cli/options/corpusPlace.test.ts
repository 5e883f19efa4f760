import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { locateCorpus } from '../../../src/cli/options/corpusPlace.ts';
import { runConfigFromOptions } from '../../../src/cli/options/runOptions.ts';
import { corpusS3Options } from '../../../src/cli/options/storeOptions.ts';
import { asOrdinaryUser } from '../../helpers/ordinaryUser.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

test('the format is told by what is found, and images are relative to where it suggests', () =>
  withTempFolder(async (folder) => {
    await mkdir(join(folder, 'photos', 'anna'), { recursive: true });
    await mkdir(join(folder, 'shards'));
    for (const name of [
      'faces.csv',
      'faces.tar.csv',
      'a.tar',
      'shards/00000.tar',
      'shards/00000_stats.json',
    ]) {
      await writeFile(join(folder, name), '');
    }
    await mkdir(join(folder, 'snapshot'));
    await symlink(join(folder, 'a.tar'), join(folder, 'snapshot', 'train.parquet'));
    const cases = {
      [join(folder, 'snapshot')]: ['parquet', join(folder, 'snapshot')],
      [join(folder, 'photos')]: ['folder', join(folder, 'photos')],
      [join(folder, 'faces.csv')]: ['csv', folder],
      [join(folder, 'faces.tar.csv')]: ['csv', folder],
      [join(folder, 'a.tar')]: ['webdataset', folder],
      [join(folder, '{a.tar,shards/00000.tar}')]: ['webdataset', folder],
      [join(folder, 'shards')]: ['webdataset', join(folder, 'shards')],
      [join(folder, 'shards/{00000..00003}.tar')]: ['webdataset', join(folder, 'shards')],
      [`${join(folder, 'a.tar')}::${join(folder, 'shards/00000.tar')}`]: ['webdataset', folder],
      's3://bucket/photos/': ['folder', 's3://bucket/photos'],
      's3://bucket/lists/faces.csv': ['csv', 's3://bucket/lists'],
      's3://bucket/t/{0..3}.tar': ['webdataset', 's3://bucket/t'],
      's3://bucket/{a.parquet,b/c.parquet}': ['parquet', 's3://bucket'],
      's3://bucket/a/x.tar::s3://bucket/b/y.tar': ['webdataset', 's3://bucket'],
    };
    for (const [corpus, [format, root]] of Object.entries(cases)) {
      const place = await locateCorpus(corpus, {});
      assert.deepEqual([place.corpusFormat, place.imageRoot], [format, root], corpus);
      assert.ok(!place.corpus.endsWith('/'));
    }
  }));

test('a corpus that this user may not read is refused as such, and not as one that is missing', () =>
  withTempFolder(async (folder) => {
    await chmod(folder, 0o755);
    const corpus = join(folder, 'photos');
    await mkdir(join(corpus, 'anna'), { recursive: true });
    await chmod(corpus, 0o000);
    const refused = (path: string) => ({
      name: 'ConfigError',
      code: 'not-readable',
      message: new RegExp(`^CORPUS: .*change its rights.*\\[path=${path.replace('*', '\\*')},`),
    });
    await asOrdinaryUser(async () => {
      for (const path of ['', '/anna', '/*.tar'].map((below) => corpus + below)) {
        await assert.rejects(locateCorpus(path, {}), refused(path));
      }
    });
    await chmod(corpus, 0o700);
  }));

test('a stated format wins over what is found', () =>
  withTempFolder(async (folder) => {
    await mkdir(join(folder, 'photos.tar'));
    assert.equal((await locateCorpus(join(folder, 'photos.tar'), {})).corpusFormat, 'folder');
    await writeFile(join(folder, 'archive.bin'), '');
    const named = await locateCorpus(join(folder, 'archive.bin'), { corpusFormat: 'webdataset' });
    assert.equal(named.imageRoot, folder);
    const place = await locateCorpus('s3://bucket/shards', { corpusFormat: 'webdataset' });
    assert.deepEqual(place, {
      corpus: 's3://bucket/shards',
      corpusFormat: 'webdataset',
      imageRoot: 's3://bucket/shards',
    });
  }));

test('a file that is called like a pattern is that file', () =>
  withTempFolder(async (folder) => {
    for (const name of ['a{1,2}.parquet', 'x::y.parquet', 'b*.tar']) {
      const corpus = join(folder, name);
      await writeFile(corpus, '');
      const place = await locateCorpus(corpus, {});
      assert.deepEqual([place.corpus, place.imageRoot], [corpus, folder]);
    }
  }));

test('a folder that is called like a pattern is that folder, as a corpus and as an image root', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'faces.csv'), '');
    for (const [name, content, format] of [
      ['my::photos', 'anna/a.jpg', 'folder'],
      ['set{1,2}', 't.arrow', 'arrow'],
      ['b*', '00000.tar', 'webdataset'],
      ['c{1,2}.tar', '00000.tar', 'webdataset'],
      ['d{1,2}.parquet', 'part.parquet', 'parquet'],
    ] as const) {
      const corpus = join(folder, name);
      await mkdir(dirname(join(corpus, content)), { recursive: true });
      await writeFile(join(corpus, content), '');
      assert.deepEqual(await locateCorpus(corpus, {}), { corpus, corpusFormat: format, imageRoot: corpus });
      const list = await locateCorpus(join(folder, 'faces.csv'), { imageRoot: corpus });
      assert.equal(list.imageRoot, corpus);
    }
    const missing = join(folder, 'x::y');
    await assert.rejects(locateCorpus(join(folder, 'faces.csv'), { imageRoot: missing }), {
      code: 'no-image-root',
      facts: { path: missing },
    });
  }));

test('what cannot be a corpus is refused in one line that says what was expected', () =>
  withTempFolder(async (folder) => {
    for (const name of ['a.tar.gz', 'a.tgz', 'notes.txt']) await writeFile(join(folder, name), '');
    for (const [corpus, code, message] of [
      [join(folder, 'a.tar.gz'), 'bad-corpus', /plain tars, found a compressed one/],
      [join(folder, '{a.tar.gz,b.tar.gz}'), 'bad-corpus', /plain tars, found a compressed one/],
      ['s3://bucket/a.tgz', 'bad-corpus', /plain tars, found a compressed one/],
      [join(folder, 'notes.txt'), 'bad-corpus', /another file; --corpus-format/],
      [join(folder, 'nowhere'), 'no-corpus', /found nothing/],
      ['https://example.org/a.tar', 'bad-corpus', /a path or s3:\/\/, found another scheme/],
    ] as const) {
      await assert.rejects(locateCorpus(corpus, {}), { name: 'ConfigError', code, message }, corpus);
    }
    const place = { imageRoot: folder };
    await assert.rejects(locateCorpus(folder, place), { code: 'bad-option', message: /--image-root/ });
  }));

test('a corpus that is named by nothing is not the current folder', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'a.tar'), '');
    await writeFile(join(folder, 'faces.csv'), '');
    for (const corpus of ['', ' ', `${join(folder, 'a.tar')}::`, `::${join(folder, 'a.tar')}`]) {
      const refused = { code: 'bad-corpus', message: /^CORPUS: expected a path or s3:\/\/, found nothing/ };
      await assert.rejects(locateCorpus(corpus, {}), refused, corpus);
    }
    await assert.rejects(locateCorpus(join(folder, 'faces.csv'), { imageRoot: '' }), {
      name: 'ConfigError',
      message: /^--image-root: expected a path or s3:\/\/, found nothing/,
    });
  }));

test('archives of two buckets, or of a bucket and a disk, are refused: a corpus lies in one place', async () => {
  for (const corpus of ['s3://a/x.tar::s3://b/y.tar', 's3://a/x.tar::/data/y.tar', 's3://{a,b}/x.tar']) {
    const refused = { name: 'ConfigError', code: 'bad-pattern', message: /one bucket or on one disk/ };
    await assert.rejects(locateCorpus(corpus, {}), refused, corpus);
    await assert.rejects(locateCorpus(corpus, { corpusFormat: 'parquet' }), refused, corpus);
  }
});

test('an image is in a column or under a path: --image-column is refused beside --path-column', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'a.parquet'), '');
    const asked = runConfigFromOptions(join(folder, 'a.parquet'), {
      pathColumn: 'file',
      imageColumn: 'photo',
    });
    await assert.rejects(asked, { code: 'bad-option', message: /--image-column.*--path-column/ });
  }));

test('--subject-from goes with archives, and only in forms that are known', () =>
  withTempFolder(async (folder) => {
    await writeFile(join(folder, 'a.tar'), '');
    await mkdir(join(folder, 'photos', 'anna'), { recursive: true });
    const config = await runConfigFromOptions(join(folder, 'a.tar'), { subjectFrom: 'json:label' });
    assert.deepEqual([config.subjectFrom, config.readBrokenArchives], ['json:label', false]);
    for (const [corpus, subjectFrom] of [
      ['a.tar', 'json'],
      ['a.tar', 'somewhere'],
      ['photos', 'cls'],
    ] as const) {
      const asked = runConfigFromOptions(join(folder, corpus), { subjectFrom });
      await assert.rejects(asked, { code: 'bad-option', message: /--subject-from/ }, subjectFrom);
    }
  }));

test('a corpus is reached as OUT is, except where something else is said', () => {
  const out = { s3Endpoint: 'http://out', s3Profile: 'night', s3AddressingStyle: 'virtual' } as const;
  assert.deepEqual(corpusS3Options(out), {
    endpoint: 'http://out',
    region: undefined,
    profile: 'night',
    forcePathStyle: false,
  });
  const other = {
    ...out,
    corpusS3Endpoint: 'http://in',
    corpusS3Region: 'r',
    corpusS3AddressingStyle: 'path',
  } as const;
  assert.deepEqual(corpusS3Options(other), {
    endpoint: 'http://in',
    region: 'r',
    profile: 'night',
    forcePathStyle: true,
  });
});
