/** The thread of a GPU, started for this process. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { openThreadPool } from '../../shared/threads/threadPool.ts';
import type { ConnectRequest, DeviceThreadInit } from './deviceThread.ts';

export interface DeviceThread {
  /** A line to it, to be handed to one model thread. */
  connect(): MessagePort;
  close(): Promise<void>;
}

export async function openDeviceThread({ device, intraOpThreads }: DeviceThreadInit): Promise<DeviceThread> {
  const init: DeviceThreadInit = { device, intraOpThreads };
  const file = new URL('./deviceThread.js', import.meta.url);
  const pool = await openThreadPool<ConnectRequest, undefined>({ file, size: 1, init });
  return {
    connect() {
      const { port1, port2 } = new MessageChannel();
      // What fails here fails the model thread, whose port it closes.
      pool.run({ port: port1 }, [port1]).catch(() => port1.close());
      return port2;
    },
    close: () => pool.close(),
  };
}
