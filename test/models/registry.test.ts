import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findModel, loadRegistry, parseRegistry } from '../../src/models/registry.ts';
import { ConfigError } from '../../src/shared/errors.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { entryContent } from './helpers.ts';

const parse = (models: Record<string, unknown>, path = '/somewhere/registry.json') =>
  parseRegistry({ registryVersion: 1, models }, path);

test('the built-in registry holds the default chain, the paper’s detector and recognisers of four sizes', async () => {
  const registry = await loadRegistry('');
  assert.deepEqual(registry.defaults, ['fr-detect', 'fr-landmark', 'fr-feature', 'fr-pose']);
  assert.deepEqual(
    registry.defaults.map((name) => findModel(registry, name).kind),
    ['detector', 'landmarks', 'recognizer', 'pose'],
  );
  assert.deepEqual(Object.keys(findModel(registry, 'mtcnn', 'detector').files), ['pnet', 'rnet', 'onet']);
  assert.equal(findModel(registry, 'mobilefacenet-192', 'recognizer').embedDim, 192);
  assert.equal(findModel(registry, 'foamliu-128', 'recognizer').embedDim, 128);
  for (const name of ['arcface-r50', 'arcface-mbf', 'cosface-r50', 'magface-r100']) {
    assert.equal(findModel(registry, name, 'recognizer').embedDim, 512);
  }
});

test('every built-in entry names licence, origin and, where its file can be fetched unattended, a checksum', async () => {
  const registry = await loadRegistry('');
  for (const entry of registry.entries.values()) {
    assert.match(entry.homepage, /^https:\/\//);
    for (const file of Object.values(entry.files)) {
      if (file.source.startsWith('npm:')) assert.ok(file.sha256, entry.name);
      if (file.source.startsWith('manual:')) assert.ok(entry.note, entry.name);
    }
  }
});

test('an unknown key is refused at every level of a registry', () => {
  const good = entryContent();
  const files = good.files as { model: Record<string, unknown> };
  const bad = [
    { ...good, colour: 'rgb' },
    { ...good, files: { model: { ...files.model, md5: '' } } },
    { ...good, preprocess: { ...(good.preprocess as object), scale: 2 } },
    { ...good, licence: { ...(good.licence as object), url: '' } },
  ];
  assert.equal(parse({ own: good }).entries.size, 1);
  for (const entry of bad) assert.throws(() => parse({ own: entry }), { code: 'bad-registry' });
  assert.throws(() => parseRegistry({ registryVersion: 1, models: {}, extra: 1 }, '/r.json'), ConfigError);
});

test('a source is npm, https, http on loopback, file or manual, and nothing else', () => {
  const withSource = (source: string): unknown => {
    const good = entryContent();
    return { ...good, files: { model: { ...(good.files as { model: object }).model, source } } };
  };
  for (const source of [
    'npm:left-pad@1.3.0/index.onnx',
    'npm:@scope/name@1.0.0-beta.1/a/b.onnx',
    'https://example.org/models.zip#inside/model.onnx',
    'http://127.0.0.1:8080/model.onnx',
    'file:model.onnx',
    'manual:https://example.org',
  ]) {
    assert.equal(parse({ own: withSource(source) }).entries.size, 1, source);
  }
  for (const source of [
    'http://example.org/model.onnx',
    'http://127.0.0.1.example.org/model.onnx',
    'npm:left-pad/index.onnx',
    'npm:left-pad@latest/index.onnx',
    'ftp://example.org/model.onnx',
    'model.onnx',
  ]) {
    assert.throws(() => parse({ own: withSource(source) }), { code: 'bad-registry' }, source);
  }
});

test('a name or a checksum with capital letters is refused with the form that was expected', () => {
  const good = entryContent();
  const { model } = good.files as { model: Record<string, unknown> };
  const name = 'expected lower-case letters, digits and hyphens';
  const checksum = 'expected 64 lower-case hex digits';
  for (const [models, problem] of [
    [{ Upper: good }, `Upper: ${name}`],
    [{ own: { ...good, files: { Model: model } } }, `own.files.Model: ${name}`],
    [
      { own: { ...good, files: { model: { ...model, sha256: 'AB'.repeat(32) } } } },
      `own.files.model.sha256: ${checksum}`,
    ],
  ] as const) {
    assert.throws(() => parse(models), {
      message: `model registry is not valid: models.${problem} [file=/somewhere/registry.json]`,
    });
  }
});

test('a recogniser says its embedding size, and nothing else has one', () => {
  const { embedDim: _dim, ...without } = entryContent();
  assert.throws(() => parse({ own: without }), /embedDim/);
  assert.throws(() => parse({ own: entryContent({ embedDim: 128 }) }), /form \[N,3,112,112\] \[N,128\]/);
  assert.throws(() => parse({ own: entryContent({ kind: 'detector', family: 'yunet' }) }), /embedDim/);
});

test('a recogniser is one file from [N,3,112,112] to [N,D], with a mean and a deviation a channel', () => {
  const good = entryContent();
  const file = (good.files as { model: object }).model;
  const preprocess = good.preprocess as object;
  for (const [fields, says] of [
    [{ files: { a: file, b: file } }, /one file of the form \[N,3,112,112\] \[N,512\]/],
    [{ files: { model: { ...file, inputs: [{ shape: ['N', 112, 112, 3] }] } } }, /found \[N,112,112,3\]/],
    [{ preprocess: { ...preprocess, layout: 'NHWC' } }, /NCHW, found .*NHWC/],
    [{ preprocess: { ...preprocess, mean: [0] } }, /expected 3 values of mean and std for rgb, found 1/],
    [{ preprocess: { ...preprocess, colour: 'grey' } }, /expected 1 values/],
  ] as const) {
    assert.throws(() => parse({ own: entryContent(fields) }), says);
  }
});

test('an unknown model is a ConfigError that lists those of the kind, suggests the nearest and says where others come from', async () => {
  const registry = await loadRegistry('');
  assert.throws(
    () => findModel(registry, 'mtcn', 'detector'),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /\(fr-detect, mtcnn, yunet\), found "mtcn"; did you mean "mtcnn"\?/);
      assert.match(error.message, /expected a detector .* file that POSECAST_REGISTRY names/);
      return true;
    },
  );
  assert.throws(() => findModel(registry, 'zzzzzzzzzzzz'), /^(?!.*did you mean)/);
  assert.throws(() => findModel(registry, 'fr-pose', 'recognizer'), /found "fr-pose", a pose/);
});

test('a user’s registry adds and replaces entries, and its file sources are relative to it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-registry-'));
  try {
    const path = join(folder, 'own.json');
    const file = { ...(entryContent().files as { model: object }).model, source: 'file:weights/own.onnx' };
    const models = { own: entryContent({ files: { model: file } }), 'fr-feature': entryContent() };
    await writeFile(path, JSON.stringify({ registryVersion: 1, models }));
    const registry = await loadRegistry(path);
    assert.equal(findModel(registry, 'own').files.model?.source, `file:${join(folder, 'weights/own.onnx')}`);
    assert.equal(findModel(registry, 'fr-feature').summary, 'Made for a test.');
    assert.equal(findModel(registry, 'mtcnn').family, 'mtcnn');
    assert.equal(registry.defaults.length, 4);
    await writeFile(path, '{');
    await assert.rejects(loadRegistry(path), { code: 'bad-registry' });
    await assert.rejects(loadRegistry(join(folder, 'none.json')), { code: 'bad-registry' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an entry of a family is refused where the code of the family would read it otherwise, and the difference is named', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 'own.json');
    const builtIn = JSON.parse(await readFile(join(packageRoot, 'models', 'models.json'), 'utf8')) as {
      models: Record<string, { files: Record<string, object>; preprocess: object }>;
    };
    const load = async (name: string, fields: object) => {
      const own = { ...builtIn.models[name]!, ...fields };
      await writeFile(path, JSON.stringify({ registryVersion: 1, models: { own } }));
      return await loadRegistry(path);
    };
    const { files: yunet, preprocess } = builtIn.models.yunet!;
    const { files: detect } = builtIn.models['fr-detect']!;
    const withModel = (files: typeof yunet, fields: object) => ({
      files: { model: { ...files.model, ...fields } },
    });
    const shapes = [
      { name: 'scores', shape: [1, 4420, 2] },
      { name: 'boxes', shape: ['B', 4420, 4] },
    ];
    for (const [name, fields] of [
      ['yunet', {}],
      ['mtcnn', {}],
      ['fr-detect', withModel(detect, { inputs: [{ shape: [1, 3, 240, 320] }], outputs: shapes })],
    ] as const) {
      assert.ok((await load(name, fields)).entries.has('own'), name);
    }
    for (const [name, fields, message] of [
      ['yunet', { kind: 'landmarks' }, /expected kind detector of family yunet, found landmarks/],
      ['fr-pose', { family: 'embedding' }, /expected kind recognizer of family embedding, found pose/],
      [
        'yunet',
        { preprocess: { ...preprocess, colour: 'rgb' } },
        /expected preprocess bgr mean 0,0,0 std 1,1,1 NCHW of family yunet, found rgb mean 0,0,0 std 1,1,1 NCHW/,
      ],
      ['mtcnn', { files: detect }, /expected files onet, pnet, rnet of family mtcnn, found model/],
      [
        'yunet',
        withModel(yunet, { inputs: [{ shape: ['N', 3, 320, 320] }] }),
        /expected inputs input\[N,3,640,640\] of family yunet, found \[N,3,320,320\] in model/,
      ],
      [
        'fr-detect',
        withModel(detect, { outputs: [{ shape: ['N', 4420, 2] }, shapes[1]] }),
        /expected outputs scores\[N,4420,2\] of family fr-detect, found \[N,4420,2\] boxes\[B,4420,4\] in model/,
      ],
    ] as const) {
      await assert.rejects(load(name, fields), { code: 'bad-registry', message });
    }
  }));
