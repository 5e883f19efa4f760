/**
 * A network that is run in batches of its own, whatever it is asked: items of several requests share a run, and the
 * items of one may be spread over several.
 *
 * For GPUs, which take hardly longer for 32 items than for 8, and for graphs that insist on a batch.
 */
import type { NetworkRuntime, NetworkTensor, NetworkTensors } from './runtime.ts';

interface Request {
  readonly inputs: readonly (readonly [string, NetworkTensor])[];
  readonly count: number;
  /** Requests share a run where this is equal. */
  readonly shape: string;
  /** Items that have gone into a run, and those that were answered. */
  taken: number;
  answered: number;
  readonly outputs: Record<string, NetworkTensor>;
  readonly resolve: (outputs: NetworkTensors) => void;
  readonly reject: (error: unknown) => void;
}

/** Items of one request in a run: `count` from `from` on, at place `at` of the batch. */
interface Part {
  readonly request: Request;
  readonly from: number;
  readonly count: number;
  readonly at: number;
}

export interface Batches {
  /** Items of a run at most. */
  readonly size: number;
  /** Every run has `size` items: what remains empty is filled up with old ones, whose answers go nowhere. */
  readonly filled: boolean;
}

export function inBatches({ size, filled }: Batches, runtime: NetworkRuntime): NetworkRuntime {
  const waiting: Request[] = [];
  /** Inputs of a run, by name: the same memory for every run, as large as the largest so far. */
  const buffers = new Map<string, Float32Array>();
  let running = false;

  async function runWaiting(): Promise<void> {
    if (running) return;
    running = true;
    while (waiting.length > 0) {
      const parts = nextParts(waiting, size);
      try {
        const batch = filled ? size : parts.reduce((items, { count }) => items + count, 0);
        scatter(parts, batch, await runtime.run(gather(parts, batch)));
      } catch (error) {
        for (const { request } of parts) {
          request.reject(error);
          if (waiting.includes(request)) waiting.splice(waiting.indexOf(request), 1);
        }
      }
    }
    running = false;
  }

  function gather(parts: readonly Part[], batch: number): NetworkTensors {
    const inputs: Record<string, NetworkTensor> = {};
    parts[0]!.request.inputs.forEach(([name, { dims }], i) => {
      const [, ...itemDims] = dims;
      const itemSize = itemDims.reduce((product, dim) => product * dim, 1);
      let data = buffers.get(name);
      if (data === undefined || data.length < size * itemSize) {
        data = new Float32Array(size * itemSize);
        buffers.set(name, data);
      }
      for (const { request, from, count, at } of parts) {
        const given = request.inputs[i]![1].data;
        data.set(given.subarray(from * itemSize, (from + count) * itemSize), at * itemSize);
      }
      inputs[name] = { data: data.subarray(0, batch * itemSize), dims: [batch, ...itemDims] };
    });
    return inputs;
  }

  return {
    inputNames: runtime.inputNames,
    outputNames: runtime.outputNames,
    fixedBatch: filled ? size : undefined,
    run(named) {
      const inputs = Object.entries(named);
      const shape = inputs.map(([name, { dims }]) => `${name} ${dims.slice(1).join('×')}`).join();
      const count = inputs[0]?.[1].dims[0] ?? 0;
      return new Promise((resolve, reject) => {
        waiting.push({ inputs, count, shape, taken: 0, answered: 0, outputs: {}, resolve, reject });
        void runWaiting();
      });
    },
    close: () => runtime.close(),
  };
}

/** The next `size` items of one shape, the oldest requests first; requests that go in whole no longer wait. */
function nextParts(waiting: Request[], size: number): Part[] {
  const parts: Part[] = [];
  const shape = waiting[0]!.shape;
  let at = 0;
  for (const request of waiting.filter((one) => one.shape === shape)) {
    const count = Math.min(size - at, request.count - request.taken);
    parts.push({ request, from: request.taken, count, at });
    request.taken += count;
    at += count;
    if (request.taken === request.count) waiting.splice(waiting.indexOf(request), 1);
    if (at === size) break;
  }
  return parts;
}

function scatter(parts: readonly Part[], batch: number, outputs: NetworkTensors): void {
  for (const { request, from, count, at } of parts) {
    for (const [name, { data, dims }] of Object.entries(outputs)) {
      // A graph may fold its batch into another dimension: values an item are counted, not read from the shape.
      const itemSize = data.length / batch;
      const itemDims = dims[0] === batch ? dims.slice(1) : [itemSize];
      request.outputs[name] ??= {
        data: new Float32Array(request.count * itemSize),
        dims: [request.count, ...itemDims],
      };
      const items = data.subarray(at * itemSize, (at + count) * itemSize);
      request.outputs[name].data.set(items, from * itemSize);
    }
    request.answered += count;
    if (request.answered === request.count) request.resolve(request.outputs);
  }
}
