/** A model thread's side of a device: networks that run in the device's threads. */
import type { MessagePort } from 'node:worker_threads';
import { ThreadDiedError } from '../../shared/errors.ts';
import { errorOfFailure } from '../../shared/threads/threadFailure.ts';
import type { NetworkRuntime } from '../models/runtime.ts';
import type { DeviceReply, DeviceRequest } from './deviceProtocol.ts';

export interface DeviceClient {
  /** Opens the network of a file, with at most `batch` items in a run. @throws what opening it threw there. */
  open(file: Uint8Array, batch: number): Promise<NetworkRuntime>;
}

type WithoutId<Request> = Request extends unknown ? Omit<Request, 'id'> : never;
type Reply<Status extends DeviceReply['status']> = Extract<DeviceReply, { status: Status }>;

/**
 * @param ports one to each thread of the device. Every model thread opens its networks in the same order, and they go
 * to the threads by turns: so those of one network meet in one thread.
 */
export function deviceClient(ports: readonly MessagePort[]): DeviceClient {
  const lines = ports.map(openLine);
  let opened = 0;
  return {
    async open(file, batch) {
      const ask = lines[opened++ % lines.length]!;
      const { network, ...facts } = (await ask<'opened'>({ kind: 'open', file, batch })).opened;
      return {
        ...facts,
        run: async (inputs) => (await ask<'ran'>({ kind: 'run', network, inputs })).outputs,
        // Others run it, too; it ends with its thread.
        close: async () => {},
      };
    },
  };
}

/** Answers what is asked in one thread; all of it fails when the thread ends. */
function openLine(port: MessagePort) {
  const pending = new Map<
    number,
    { resolve: (reply: DeviceReply) => void; reject: (error: Error) => void }
  >();
  let nextId = 1;
  let ended = false;
  const gone = () => new ThreadDiedError('device-died', 'the thread of the device ended');

  port.on('message', (reply: DeviceReply) => {
    const asked = pending.get(reply.id);
    pending.delete(reply.id);
    if (reply.status === 'failed') asked?.reject(errorOfFailure(reply.failure));
    else asked?.resolve(reply);
  });
  port.on('close', () => {
    ended = true;
    for (const { reject } of pending.values()) reject(gone());
    pending.clear();
  });

  return function ask<Status extends DeviceReply['status']>(
    request: WithoutId<DeviceRequest>,
  ): Promise<Reply<Status>> {
    if (ended) return Promise.reject(gone());
    const id = nextId++;
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve: resolve as (reply: DeviceReply) => void, reject });
      port.postMessage({ ...request, id });
    });
  };
}
