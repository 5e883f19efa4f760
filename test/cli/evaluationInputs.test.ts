import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type EvaluatedFlags, openCorpora, openPairs } from '../../src/cli/evaluationInputs.ts';
import { createReleasers } from '../../src/shared/async/releasers.ts';
import type { Landmarks68 } from '../../src/shared/face.ts';
import { writeSamples } from '../../src/training/samples.ts';
import type { PipelineModels } from '../../src/worker/models/pipelineModels.ts';
import { posecast } from '../helpers/cli.ts';
import { writeTable } from '../helpers/tableFiles.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { writeTar } from '../producer/tar/tars.ts';

/** Person/photograph of each corpus, and what was noted. */
async function open(corpus: string, flags: Partial<EvaluatedFlags>) {
  const releasers = createReleasers();
  const notes: string[] = [];
  const options = { out: '/elsewhere', s3: {}, signal: new AbortController().signal, releasers };
  try {
    const corpora = await openCorpora(
      corpus,
      { poses: 'meter', ...flags },
      { ...options, note: (line) => void notes.push(line) },
    );
    const shown = corpora.map(({ role, faces }) => [
      role,
      ...faces.map((face) => `${face.subjectId}: ${face.faceId}`),
    ]);
    return { corpora, shown, notes };
  } finally {
    await releasers.release();
  }
}

test('distractors are of any kind, and options hold for each corpus that has them', () =>
  withTempFolder(async (folder) => {
    await writeTar(join(folder, 'test.tar'), [
      ['x/1.jpg', 'one'],
      ['x/1.txt', 'anna'],
      ['x/notes.md', 'about'],
    ]);
    const text = (value: string) => ({ type: 'text', values: [value] }) as const;
    const image = { type: 'bytes', values: [Buffer.from('two')] } as const;
    writeTable(
      join(folder, 'others.parquet'),
      { celebrity: text('bert'), image },
      {
        format: 'parquet',
      },
    );
    await mkdir(join(folder, 'people', 'carl'), { recursive: true });
    await writeFile(join(folder, 'people', 'carl', '3.jpg'), 'three');
    const [tar, table, people] = ['test.tar', 'others.parquet', 'people'].map((name) => join(folder, name));
    const flags = { distractors: table!, subjectFrom: 'txt', subjectIdColumn: 'celebrity' };
    const { corpora, shown, notes } = await open(tar!, flags);
    assert.deepEqual(shown, [
      ['evaluated', 'anna: test.tar/x/1.jpg'],
      ['distractors', 'bert: others.parquet#0'],
    ]);
    assert.deepEqual([corpora[0]?.path, corpora[1]?.path], [tar, table]);
    assert.match(notes.join('\n'), /1 ignored: not an image .*notes\.md/);
    const swapped = await open(people!, { distractors: tar!, corpusFormat: 'folder', subjectFrom: 'txt' });
    assert.deepEqual(swapped.shown, [
      ['evaluated', 'carl: carl/3.jpg'],
      ['distractors', 'anna: test.tar/x/1.jpg'],
    ]);
    await assert.rejects(open(people!, { distractors: table!, subjectFrom: 'txt' }), {
      code: 'bad-option',
      message: /--subject-from: expected with archives only/,
    });
    await assert.rejects(open(people!, { distractors: join(folder, 'nowhere') }), { code: 'no-corpus' });
  }));

test('KDEF names are read of members of an archive, and both sittings are one person', () =>
  withTempFolder(async (folder) => {
    await writeTar(join(folder, 'kdef.tar'), [
      ['AF01/AF01ANFL.JPG', 'a'],
      ['BF01/BF01ANS.JPG', 'b'],
    ]);
    const { corpora, shown } = await open(join(folder, 'kdef.tar'), { poses: 'kdef-names' });
    assert.deepEqual(shown, [
      ['evaluated', 'F01: kdef.tar/AF01/AF01ANFL.JPG', 'F01: kdef.tar/BF01/BF01ANS.JPG'],
    ]);
    const yaws = corpora[0]?.faces.map((face) => corpora[0]?.yawOf?.(face));
    assert.deepEqual(yaws, [-90, 0]);
  }));

test('KDEF names are read of rows of a table, whose photographs are read as they were listed', () =>
  withTempFolder(async (folder) => {
    const table = join(folder, 'kdef.parquet');
    writeTable(
      table,
      {
        face_id: { type: 'text', values: ['AF01ANFL.JPG', 'BF01ANS.JPG'] },
        subject_id: { type: 'text', values: ['AF01', 'BF01'] },
        image: { type: 'bytes', values: [Buffer.from('one'), Buffer.from('two')] },
      },
      { format: 'parquet' },
    );
    const releasers = createReleasers();
    const options = {
      out: '/elsewhere',
      s3: {},
      signal: new AbortController().signal,
      releasers,
      note: () => {},
    };
    try {
      const [corpus] = await openCorpora(table, { poses: 'kdef-names' }, options);
      assert.deepEqual(
        corpus?.faces.map(({ subjectId }) => subjectId),
        ['F01', 'F01'],
      );
      for (const face of corpus!.faces) assert.equal((await corpus!.photographs.read(face)).status, 'ok');
    } finally {
      await releasers.release();
    }
  }));

test('a corpus that a run would refuse is refused, in the words of a run', () =>
  withTempFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    await writeFile(at('a.tar.gz'), '');
    await mkdir(at('nobody'));
    await writeTar(at('one.tar'), [['anna/1.jpg', 'x']]);
    const refused: readonly [string, Partial<EvaluatedFlags>, string, RegExp][] = [
      ['a.tar.gz', {}, 'bad-corpus', /plain tars, found a compressed one/],
      ['nobody', {}, 'empty-corpus', /expected photographs of people, found none/],
      ['one.tar', { imageColumn: 'jpg' }, 'bad-option', /expected with a table only/],
      ['one.tar', { imageRoot: folder }, 'bad-option', /--image-root: expected with a list only/],
    ];
    for (const [name, flags, code, message] of refused) {
      await assert.rejects(open(at(name), flags), { name: 'ConfigError', code, message }, name);
    }
    const out = ['--out', at('out')];
    const cases: readonly [string[], RegExp][] = [
      [['train', at('a.tar.gz')], /plain tars, found a compressed one/],
      [['train', at('one.tar'), '--exclude-subjects', 'anna'], /expected to leave somebody/],
      [['evaluate', folder, '--protocol', 'kdef', '--subject-from', 'cls'], /--protocol: .*--subject-from/],
    ];
    for (const [words, reason] of cases) {
      const { code, stderr } = await posecast([...words, ...out]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, reason);
    }
  }));

test('a second file of pairs of the same recogniser is refused: names of two trainings may mean other people', () =>
  withTempFolder(async (folder) => {
    const recognizers = ['one', 'two'].map(
      (name) => ({ recognizer: { name, entry: { embedDim: 2 } } }) as PipelineModels,
    );
    const [first, second] = ['first.arrow', 'second.arrow'].map((name) => join(folder, name));
    const sample = {
      ...{ subjectId: 'anna', origin: [], faceId: '1', pose: { yaw: 0, pitch: 0, roll: 0 } },
      ...{ landmarks: new Float32Array(136) as Landmarks68, embedding: Float32Array.of(1, 0) },
    };
    const samples = [-1, 0].map((gridIndex) => ({ ...sample, gridIndex }));
    for (const path of [first!, second!]) await writeSamples(path, 'key', samples);
    const opened = await openPairs([`one=${first}`, `two=${second}`], recognizers);
    assert.deepEqual([...opened.keys()], ['one', 'two']);
    await assert.rejects(openPairs([`one=${first}`, `one=${second}`], recognizers), {
      name: 'ConfigError',
      message: /one file a recogniser.*recognizer=one, first=.*first\.arrow, second=.*second\.arrow/,
    });
  }));

test('pairs of a training without renders are refused with what is expected', () =>
  withTempFolder(async (folder) => {
    const recognizers = [{ recognizer: { name: 'one', entry: { embedDim: 2 } } } as PipelineModels];
    const path = join(folder, 'samples.arrow');
    const photograph = {
      ...{ subjectId: 'anna', origin: [], faceId: '1', gridIndex: -1, pose: { yaw: 0, pitch: 0, roll: 0 } },
      ...{ landmarks: new Float32Array(136) as Landmarks68, embedding: Float32Array.of(1, 0) },
    };
    await writeSamples(path, 'key', [photograph]);
    await assert.rejects(openPairs([path], recognizers), {
      name: 'ConfigError',
      code: 'bad-pairs',
      message: /expected photographs with renders of them, found none: .*--renders off.*samples=1/,
    });
  }));
