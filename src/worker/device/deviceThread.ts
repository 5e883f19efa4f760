/**
 * A thread of a GPU: some of the networks, each once, run for all model threads, which decode, align and prepare. What
 * they ask at the same time shares a run. With networks of their own each of them would have CUDA choose its kernels,
 * for seconds a network, one behind the other (docs/gpu.md).
 */
import type { MessagePort } from 'node:worker_threads';
import { sha256Hex } from '../../shared/sha256.ts';
import { ownedBuffers } from '../../shared/threads/ownedBuffers.ts';
import { serveThread } from '../../shared/threads/serveThread.ts';
import { describeFailure } from '../../shared/threads/threadFailure.ts';
import { openOnnxRuntime } from '../models/onnxRuntime.ts';
import type { NetworkRuntime } from '../models/runtime.ts';
import type { SessionOptions } from '../models/session.ts';
import type { DeviceReply, DeviceRequest } from './deviceProtocol.ts';

export type DeviceThreadInit = Pick<SessionOptions, 'device' | 'intraOpThreads'>;

/** A model thread to serve. */
export interface ConnectRequest {
  readonly port: MessagePort;
}

await serveThread(async (options: DeviceThreadInit) => {
  const networks = new Map<string, Promise<NetworkRuntime>>();

  async function answer(request: DeviceRequest): Promise<DeviceReply> {
    const { id } = request;
    try {
      if (request.kind === 'run') {
        const runtime = await networks.get(request.network)!;
        return { id, status: 'ran', outputs: await runtime.run(request.inputs) };
      }
      const { file, batch } = request;
      const network = sha256Hex(file);
      const opening = networks.get(network) ?? openOnnxRuntime(file, { ...options, batch });
      networks.set(network, opening);
      const { inputNames, outputNames, fixedBatch } = await opening;
      return { id, status: 'opened', opened: { network, inputNames, outputNames, fixedBatch } };
    } catch (error) {
      return { id, status: 'failed', failure: describeFailure(error) };
    }
  }

  return async ({ port }: ConnectRequest) => {
    port.on('message', async (request: DeviceRequest) => {
      const reply = await answer(request);
      const arrays = reply.status === 'ran' ? Object.values(reply.outputs).map(({ data }) => data) : [];
      port.postMessage(reply, ownedBuffers(arrays));
    });
    return { response: undefined };
  };
});
