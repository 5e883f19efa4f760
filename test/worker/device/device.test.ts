/** The threads of a device, with ONNX Runtime on the CPU in the place of a GPU. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ensureModels } from '../../../src/models/pull.ts';
import { describeError, IntegrityError } from '../../../src/shared/errors.ts';
import { type DeviceClient, deviceClient } from '../../../src/worker/device/deviceClient.ts';
import { type OpenDevice, openDevice } from '../../../src/worker/device/openDevice.ts';
import { openOnnxRuntime } from '../../../src/worker/models/onnxRuntime.ts';
import { openSession } from '../../../src/worker/models/session.ts';

const cpu = { device: 'cpu', intraOpThreads: 1 } as const;
const NETWORKS = [
  { name: 'fr-landmark', dims: [2, 1, 64, 64] },
  { name: 'fr-detect', dims: [1, 3, 240, 320] },
  { name: 'fr-feature', dims: [1, 3, 112, 112] },
];

async function withDevice(threads: number, use: (device: OpenDevice) => Promise<void>): Promise<void> {
  const device = await openDevice(cpu, threads);
  try {
    await use(device);
  } finally {
    await device.close();
  }
}

async function openNetworks(deviceClient: DeviceClient) {
  const models = await ensureModels(NETWORKS.map(({ name }) => name));
  return Promise.all(
    NETWORKS.map(async ({ dims }, i) => ({
      path: models[i]!.files.model!,
      dims,
      session: await openSession(models[i]!.files.model!, { ...cpu, deviceClient }),
    })),
  );
}

const picture = (dims: readonly number[], seed: number) =>
  Float32Array.from(
    { length: dims.reduce((product, dim) => product * dim, 1) },
    (_, i) => (((i + seed) * 37) % 256) / 128 - 1,
  );

test('every model thread gets the answers of its own inputs, from whichever thread has the network', () =>
  withDevice(2, async (device) => {
    const clients = [deviceClient(device.connect()), deviceClient(device.connect())];
    const opened = await Promise.all(clients.map(openNetworks));
    await Promise.all(
      opened.flatMap((networks, client) =>
        networks.map(async ({ path, dims, session }) => {
          const alone = await openOnnxRuntime(await readFile(path), cpu);
          const rounds = Array.from({ length: 3 }, async (_, round) => {
            const given = picture(dims, 7 * client + round);
            const input = session.inputOf(given.length);
            input.set(given);
            const answer = await session.run(input, dims);
            const name = session.inputName;
            assert.deepEqual(answer, await alone.run({ [name]: { data: given, dims } }));
          });
          await Promise.all(rounds);
          await alone.close();
        }),
      ),
    );
  }));

test('an input lies in memory that both threads have, the same for every run', () =>
  withDevice(1, async (device) => {
    const { session, dims } = (await openNetworks(deviceClient(device.connect())))[0]!;
    const inputs = [];
    for (let i = 0; i < 2; i++) {
      const input = session.inputOf(picture(dims, 0).length);
      inputs.push(input.buffer as unknown);
      await session.run(input, dims);
    }
    assert.ok(inputs[0] instanceof SharedArrayBuffer);
    assert.equal(inputs[0], inputs[1]);
  }));

test('a file that is no network is an integrity error of the one who asked, and the thread goes on', () =>
  withDevice(1, async (device) => {
    const [first, second] = [deviceClient(device.connect()), deviceClient(device.connect())];
    await assert.rejects(first.open(Buffer.from('not a network'), 1), Error);
    await assert.rejects(
      openSession(new URL(import.meta.url).pathname, { ...cpu, deviceClient: first }),
      (error) => error instanceof IntegrityError && error.message.includes('device.test'),
    );
    assert.equal((await openNetworks(second)).length, NETWORKS.length);
  }));

test('what a device that has ended was asked, and is asked then, fails', async () => {
  const device = await openDevice(cpu, 1);
  const client = deviceClient(device.connect());
  const { session, dims } = (await openNetworks(client))[0]!;
  const asked = session.run(picture(dims, 0), dims).catch((error: unknown) => error);
  await device.close();
  const answer = await asked;
  assert.ok(!(answer instanceof Error) || (answer as { code?: string }).code === 'device-died');
  await assert.rejects(session.run(picture(dims, 1), dims), { code: 'device-died' });
});

test('whoever is told that a thread of the device died learns why from the device', () =>
  withDevice(1, async (device) => {
    const client = deviceClient(device.connect());
    const { session, dims } = (await openNetworks(client))[0]!;
    // No request at all: nothing in the thread expects that.
    device.connect()[0]!.postMessage(null);
    const why = await device.death;
    assert.match(describeError(why), /^device thread: expected .*, found it dead .*: .*null/);
    await assert.rejects(session.run(picture(dims, 1), dims), { code: 'device-died' });
  }));
