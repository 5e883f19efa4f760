/** A thread for the pool's tests: doubles numbers, fails or dies on request. */
import { ConfigError } from '../../src/shared/errors.ts';
import { type Answer, serveThread } from '../../src/shared/threads/serveThread.ts';

export type EchoRequest =
  | { double: number }
  | { fail: string }
  | { die: true }
  | { crash: string }
  | { bytes: Uint8Array }
  | { spinMs: number; finished: Int32Array };

await serveThread(async (init: { refuse?: boolean; crash?: string; opened?: Int32Array }) => {
  if (init.opened !== undefined) Atomics.add(init.opened, 0, 1);
  if (init.refuse === true) throw new ConfigError('refused', 'this thread does not open');
  if (init.crash !== undefined) await crash(init.crash);
  return async (request: EchoRequest): Promise<Answer<unknown>> => {
    if ('double' in request) return { response: request.double * 2 };
    if ('crash' in request) return crash(request.crash);
    if ('fail' in request) throw new Error(request.fail);
    if ('bytes' in request)
      return { response: request.bytes, transfer: [request.bytes.buffer as ArrayBuffer] };
    if ('spinMs' in request) {
      // Computes without a pause, as a network does.
      for (const end = performance.now() + request.spinMs; performance.now() < end; );
      Atomics.store(request.finished, 0, 1);
      return { response: undefined };
    }
    process.exit(3);
  };
});

/** An error that nobody catches. */
function crash(message: string): Promise<never> {
  setImmediate(() => {
    throw new Error(message);
  });
  return new Promise(() => {});
}
