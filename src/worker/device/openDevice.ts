/** The threads of a GPU, started for this process. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { createReleasers } from '../../shared/async/releasers.ts';
import type { ThreadDiedError } from '../../shared/errors.ts';
import { openThreadPool } from '../../shared/threads/threadPool.ts';
import type { Device } from '../models/device.ts';
import type { ConnectRequest, DeviceThreadInit } from './deviceThread.ts';

/**
 * Networks in threads of their own overlap: while one copies its input to the GPU, another computes there. WebGPU does
 * not bear more than one; for the others there is one for every network of the pipeline.
 */
function deviceThreads(device: Device): number {
  return device === 'webgpu' ? 1 : 7;
}

export interface OpenDevice {
  /** Lines to its threads, to be handed to one model thread. */
  connect(): readonly MessagePort[];
  /** Resolves when a thread of it dies. Who asked that thread only knows that it is gone. */
  readonly death: Promise<ThreadDiedError>;
  close(): Promise<void>;
}

export async function openDevice(
  { device, intraOpThreads }: DeviceThreadInit,
  threads = deviceThreads(device),
): Promise<OpenDevice> {
  const init: DeviceThreadInit = { device, intraOpThreads };
  const file = new URL('./deviceThread.js', import.meta.url);
  const releasers = createReleasers();
  try {
    const opening = Array.from({ length: threads }, async () => {
      // Pools of one thread: a line goes to each of them, not to the one that is free.
      const thread = await openThreadPool<ConnectRequest, undefined>({
        name: 'device',
        file,
        size: 1,
        init,
      });
      releasers.push('device thread', () => thread.close());
      return thread;
    });
    // When one cannot be opened, the others are closed once they are open, and not left behind.
    await Promise.allSettled(opening);
    const opened = await Promise.all(opening);
    return {
      connect: () =>
        opened.map((thread) => {
          const { port1, port2 } = new MessageChannel();
          // A thread that is gone closes the line: what is asked on it fails.
          thread.run({ port: port1 }, [port1]).catch(() => port1.close());
          return port2;
        }),
      death: Promise.race(opened.map((thread) => thread.death)),
      close: () => releasers.release(),
    };
  } catch (error) {
    await releasers.release();
    throw error;
  }
}
