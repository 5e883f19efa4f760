/** Other devices and engines than ONNX Runtime on the CPU: what they give, and that none is replaced silently. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { posecast } from '../helpers/cli.ts';
import { largestDifference, readRun } from '../helpers/readRun.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

const samples = join(packageRoot, 'samples', 'london');

/** Debian's Chromium brings a Vulkan driver in software, which ONNX Runtime's WebGPU accepts. */
const CHROMIUM = '/usr/lib/chromium';
const softwareGpu = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'].every((file) =>
  existsSync(join(CHROMIUM, file)),
);
const gpuEnv = {
  VK_ICD_FILENAMES: join(CHROMIUM, 'vk_swiftshader_icd.json'),
  LD_LIBRARY_PATH: CHROMIUM,
};

interface Device {
  readonly option: string;
  readonly available: boolean;
  readonly detail: string;
}

async function devices(env: NodeJS.ProcessEnv = {}): Promise<Map<string, Device>> {
  const { code, stdout, stderr } = await posecast(['devices', '--json'], env);
  assert.equal(code, 0, stderr);
  const { devices: found } = JSON.parse(stdout) as { devices: Device[] };
  return new Map(found.map((device) => [device.option, device]));
}

/** The first of the sample people, with all photographs or the first. */
async function fewPeople(folder: string, people: number, photographs = 2): Promise<string> {
  const corpus = join(folder, 'corpus');
  for (const person of (await readdir(samples)).sort().slice(0, people)) {
    await mkdir(join(corpus, person), { recursive: true });
    for (const name of (await readdir(join(samples, person))).sort().slice(0, photographs)) {
      await copyFile(join(samples, person, name), join(corpus, person, name));
    }
  }
  return corpus;
}

test('workers that run the FRA networks on TensorFlow.js write the same table, to 1e-4', () =>
  withTempFolder(async (folder) => {
    const corpus = await fewPeople(folder, 2);
    const runs = [];
    for (const engine of ['onnx', 'tfjs']) {
      const out = join(folder, engine);
      const words = ['run', corpus, out, '--variants', '4', '--with-posture-code'];
      const { code, stderr } = await posecast([...words, '--engine', engine]);
      assert.equal(code, 0, stderr);
      runs.push(await readRun(out));
    }
    const [onnx, tfjs] = runs;
    assert.ok(onnx!.rows.some(({ kind }) => kind === 'augmented'));
    assert.ok(largestDifference(onnx!, tfjs!) < 1e-4);
  }));

test('what a machine has is listed, and what it has not is refused with the reason, never replaced', async () => {
  const found = await devices();
  assert.deepEqual(
    [found.get('--device cpu')?.available, found.get('--engine tfjs')?.available],
    [true, true],
  );
  for (const { option, available, detail } of found.values()) {
    assert.ok(detail.length > 0, option);
    if (available) continue;
    await withTempFolder(async (folder) => {
      const out = join(folder, 'out');
      const { code, stderr } = await posecast(['run', samples, out, ...option.split(' ')]);
      assert.equal(code, 2, `${option}: ${stderr}`);
      assert.match(stderr, /not available here/);
      assert.ok(!existsSync(out), `${option} wrote`);
    });
  }
});

test(
  'WebGPU gives the embeddings of the CPU, to 1e-4',
  {
    skip: softwareGpu ? false : `no Vulkan driver in software in ${CHROMIUM}`,
  },
  () =>
    withTempFolder(async (folder) => {
      assert.equal((await devices(gpuEnv)).get('--device webgpu')?.available, true);
      const corpus = await fewPeople(folder, 1, 1);
      const runs = [];
      for (const device of ['cpu', 'webgpu']) {
        const out = join(folder, device);
        const words = ['run', corpus, out, '--variants', '2', '--batch', '4'];
        const { code, stderr } = await posecast([...words, '--device', device], gpuEnv);
        assert.equal(code, 0, stderr);
        runs.push(await readRun(out));
      }
      assert.equal(runs[0]!.manifest.totals.ok, 1);
      assert.ok(largestDifference(runs[0]!, runs[1]!) < 1e-4);
    }),
);
