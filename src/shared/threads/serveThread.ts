/** The inside of a pool's thread: opens a handler once, then answers requests one after the other. */
import { type MessagePort, parentPort, type Transferable, workerData } from 'node:worker_threads';
import { CLOSE_THREAD, type ThreadInit, type ThreadMessage, type ThreadReply } from './protocol.ts';
import { describeFailure } from './threadFailure.ts';

export interface Answer<Response> {
  readonly response: Response;
  /** Buffers handed over instead of copied; the thread must not touch them afterwards. */
  readonly transfer?: Transferable[];
}

export type ThreadHandler<Request, Response> = (request: Request) => Promise<Answer<Response>>;

/** Call once at the top level of a thread file. `open` gets the pool's `init` value, and the thread's ports. */
export async function serveThread<Init, Request, Response>(
  open: (init: Init, ports: readonly MessagePort[]) => Promise<ThreadHandler<Request, Response>>,
): Promise<void> {
  const pool = parentPort;
  if (pool === null) throw new Error('serveThread must run in a worker thread');
  const { init, ports } = workerData as ThreadInit;
  const reply = (message: ThreadReply, transfer?: Transferable[]) => pool.postMessage(message, transfer);

  let handler: ThreadHandler<Request, Response>;
  try {
    handler = await open(init as Init, ports);
  } catch (error) {
    reply({ id: 0, status: 'failed', failure: describeFailure(error) });
    return;
  }
  // One request at a time: ONNX sessions of a thread are not shared by concurrent runs.
  let last: Promise<void> = Promise.resolve();
  pool.on('message', (message: ThreadMessage) => {
    if (message === CLOSE_THREAD) {
      // A thread's process.exit ends the thread alone.
      last = last.then(() => process.exit(0));
      return;
    }
    const { id, request } = message;
    last = last.then(async () => {
      try {
        const { response, transfer } = await handler(request as Request);
        reply({ id, status: 'ok', response }, transfer);
      } catch (error) {
        reply({ id, status: 'failed', failure: describeFailure(error) });
      }
    });
  });
  reply({ id: 0, status: 'ok', response: undefined });
}
