import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { entryContent, sha256, standInRecognizer, withServer } from './helpers.ts';

const MODEL = standInRecognizer();
/** dist/src/cli/models.js beside this compiled test. */
const COMMAND = fileURLToPath(new URL('../../src/cli/models.js', import.meta.url));

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `posecast models ARGS` in a process of its own. */
function startModels(args: readonly string[], env: Record<string, string>) {
  const script = `import { modelsCommand } from ${JSON.stringify(COMMAND)};
await modelsCommand().parseAsync(${JSON.stringify(args)}, { from: 'user' });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, ...env },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const finished = once(child, 'close').then(([code]): Finished => ({ code, ...output }));
  return { child, finished };
}

interface ListedModel {
  readonly name: string;
  readonly cached: boolean;
  readonly default: boolean;
  readonly files: Readonly<Record<string, { readonly source: string }>>;
  readonly paths?: Readonly<Record<string, string>>;
}

/** A cache and a registry file with one stand-in model at that address. */
async function withRegistry<T>(
  origin: string,
  use: (env: Record<string, string>, cache: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-process-'));
  try {
    const registry = join(folder, 'registry.json');
    const file = {
      source: `${origin}/model.onnx`,
      sha256: sha256(MODEL),
      format: 'onnx',
      inputs: [{ shape: ['N', 3, 112, 112] }],
      outputs: [{ shape: ['N', 512] }],
    };
    const models = { own: entryContent({ files: { model: file } }) };
    await writeFile(registry, JSON.stringify({ registryVersion: 1, models }));
    const cache = join(folder, 'cache');
    return await use({ POSECAST_CACHE: cache, POSECAST_REGISTRY: registry }, cache);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('two processes that pull the same model both get it', async () => {
  await withServer(
    (_request, response) => response.end(MODEL),
    async (origin) => {
      await withRegistry(origin, async (env) => {
        const both = await Promise.all([
          startModels(['pull', 'own', '--json'], env).finished,
          startModels(['pull', 'own', '--json'], env).finished,
        ]);
        const [first, second] = both.map(({ code, stdout, stderr }) => {
          assert.equal(code, 0, stderr);
          return JSON.parse(stdout) as { models: { name: string; sha256: string }[] };
        });
        assert.equal(first?.models[0]?.name, 'own');
        assert.deepEqual(first, second);
        const verified = await startModels(['verify', 'own'], env).finished;
        assert.match(verified.stdout, /^ok +own {2}[0-9a-f]{64}\n$/);
        const listed = await startModels(['list', '--json'], env).finished;
        const rows = JSON.parse(listed.stdout) as ListedModel[];
        assert.deepEqual(
          rows.filter(({ cached }) => cached).map(({ name }) => name),
          ['own'],
        );
      });
    },
  );
});

test('a pull killed in the middle of the download leaves no model, and the next one cleans up and succeeds', async () => {
  let stall = true;
  let stalled = () => {};
  const reached = new Promise<void>((resolve) => {
    stalled = resolve;
  });
  await withServer(
    (_request, response) => {
      if (!stall) {
        response.end(MODEL);
        return;
      }
      response.writeHead(200, { 'content-length': String(MODEL.length) });
      response.write(MODEL.subarray(0, 500));
      stalled();
    },
    async (origin) => {
      await withRegistry(origin, async (env, cache) => {
        const { child, finished } = startModels(['pull', 'own'], env);
        await reached;
        child.kill('SIGKILL');
        await finished;
        assert.deepEqual(await readdir(cache), ['tmp']);
        stall = false;
        const again = await startModels(['pull', 'own'], env).finished;
        assert.equal(again.code, 0, again.stderr);
        assert.deepEqual(await readdir(join(cache, 'tmp')), []);
      });
    },
  );
});

test('verify ends with exit code 1 and names the repair when a cached model is damaged or absent', async () => {
  await withServer(
    (_request, response) => response.end(MODEL),
    async (origin) => {
      await withRegistry(origin, async (env) => {
        assert.equal((await startModels(['verify', 'own'], env).finished).code, 1);
        const pulled = await startModels(['pull', 'own', '--json'], env).finished;
        const { models } = JSON.parse(pulled.stdout) as { models: { files: { model: string } }[] };
        await writeFile(models[0]?.files.model ?? '', 'rubbish');
        const verified = await startModels(['verify'], env).finished;
        assert.equal(verified.code, 1);
        assert.match(verified.stdout, /^damaged +own {2}model\.onnx: expected sha256/);
        assert.match(verified.stdout, /posecast models pull own --force/);
      });
    },
  );
});

test('models verify says that a file of one’s own is another one than was prepared', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-verify-'));
  try {
    const file = {
      source: 'file:mine.onnx',
      sha256: null,
      format: 'onnx',
      inputs: [{ shape: ['N', 3, 112, 112] }],
      outputs: [{ shape: ['N', 512] }],
    };
    const models = { own: entryContent({ files: { model: file } }) };
    await writeFile(join(folder, 'registry.json'), JSON.stringify({ registryVersion: 1, models }));
    const env = { POSECAST_CACHE: join(folder, 'cache'), POSECAST_REGISTRY: join(folder, 'registry.json') };
    await writeFile(join(folder, 'mine.onnx'), MODEL);
    assert.equal((await startModels(['pull', 'own'], env).finished).code, 0);
    assert.equal((await startModels(['verify'], env).finished).code, 0);
    await writeFile(join(folder, 'mine.onnx'), standInRecognizer({ seed: 9 }));
    const { code, stdout } = await startModels(['verify'], env).finished;
    assert.equal(code, 1);
    assert.match(stdout, /^damaged {2}own .*mine\.onnx is another file than at the last pull/m);
    assert.match(stdout, /posecast models pull own --force/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('models list --json gives every model’s files as the registry has them, and the paths of a cached one', async () => {
  await withServer(
    (_request, response) => response.end(MODEL),
    async (origin) => {
      await withRegistry(origin, async (env, cache) => {
        const own = async (): Promise<ListedModel | undefined> => {
          const { stdout } = await startModels(['list', '--json'], env).finished;
          return (JSON.parse(stdout) as ListedModel[]).find(({ name }) => name === 'own');
        };
        const before = await own();
        assert.equal(before?.paths, undefined);
        assert.equal((await startModels(['pull', 'own'], env).finished).code, 0);
        const after = await own();
        assert.equal(after?.files.model?.source, `${origin}/model.onnx`);
        assert.deepEqual(after?.files, before?.files);
        assert.ok(after?.paths?.model?.startsWith(cache));
      });
    },
  );
});

test('the repair that verify names reaches the registry that was given', async () => {
  await withServer(
    (_request, response) => response.end(MODEL),
    async (origin) => {
      await withRegistry(origin, async ({ POSECAST_CACHE = '', POSECAST_REGISTRY = '' }) => {
        const env = { POSECAST_CACHE, POSECAST_REGISTRY: '' };
        const registry = ['--registry', POSECAST_REGISTRY];
        const none = await startModels(['verify', ...registry], env).finished;
        assert.equal(
          none.stdout,
          `no model in the cache; run posecast models pull --registry ${POSECAST_REGISTRY}\n`,
        );
        const pulled = await startModels(['pull', 'own', '--json', ...registry], env).finished;
        const { models } = JSON.parse(pulled.stdout) as { models: { files: { model: string } }[] };
        await writeFile(models[0]?.files.model ?? '', 'rubbish');
        const verified = await startModels(['verify', ...registry], env).finished;
        assert.ok(
          verified.stdout.endsWith(`: posecast models pull own --force --registry ${POSECAST_REGISTRY}\n`),
          verified.stdout,
        );
      });
    },
  );
});
