/** A thread of the model pool: the face pipeline and the combiner, one request at a time. */
import type { MessagePort } from 'node:worker_threads';
import {
  type CroppedFace,
  type EmbeddedFace,
  type FaceInput,
  type FaceOutcome,
  POSTURE_DIM,
} from '../../shared/face.ts';
import { ownedBuffers } from '../../shared/threads/ownedBuffers.ts';
import { type Answer, serveThread } from '../../shared/threads/serveThread.ts';
import { deviceClient } from '../device/deviceClient.ts';
import { type FacePipelineOptions, openFacePipeline } from '../facePipeline.ts';
import { type FraNetworksOptions, openFraNetworks } from '../models/fraNetworks.ts';
import { freeBytes } from '../models/freeBytes.ts';
import type { ModelSet } from '../models/openModels.ts';
import { openStopwatch } from '../stopwatch.ts';

export interface ModelThreadInit {
  readonly pipeline: Omit<FacePipelineOptions<ModelSet>, 'deviceClient'>;
  /** Absent when nothing is generated. */
  readonly fra?: FraNetworksOptions & {
    /** The codes of the posture bank, n × 512, in memory that all threads share. */
    readonly postureCodes: Float32Array;
  };
}

export type ModelRequest =
  | { readonly kind: 'faces'; readonly batch: readonly FaceInput[] }
  | {
      readonly kind: 'combine';
      /** m × `dim`. */
      readonly identities: Float32Array;
      readonly dim: number;
      /** For each variant, the row of its identity, and of its posture in the bank. */
      readonly sources: Uint32Array;
      readonly postures: Uint32Array;
    };

export type ModelResponse = { readonly times: ThreadTimes } & (
  | { readonly kind: 'faces'; readonly outcomes: FaceOutcome<EmbeddedFace>[] }
  | { readonly kind: 'combine'; readonly embeddings: Float32Array }
);

/** What a request took in its thread, in milliseconds, without waiting for it. */
export interface ThreadTimes {
  readonly busyMs: number;
  /** Together a little less: what lies between the stages is not in them. */
  readonly stagesMs: Readonly<Record<string, number>>;
}

await serveThread(async (init: ModelThreadInit, ports: readonly MessagePort[]) => {
  const session = { ...init.pipeline, deviceClient: ports.length === 0 ? undefined : deviceClient(ports) };
  const fra = init.fra && (await openFraNetworks(init.fra, session));
  const pipeline = await openFacePipeline(session, fra?.encoder);
  const [pickIdentities, pickPostures] = [rowPicker(), rowPicker()];
  return async (request: ModelRequest): Promise<Answer<ModelResponse>> => {
    const startedAt = performance.now();
    const stopwatch = openStopwatch();
    const times = (): ThreadTimes => ({
      busyMs: performance.now() - startedAt,
      stagesMs: stopwatch.measured(),
    });
    switch (request.kind) {
      case 'faces': {
        const outcomes = (await pipeline.process(request.batch, stopwatch)).map(withoutCrop);
        for (const { bytes } of request.batch) freeBytes(bytes);
        return {
          response: { kind: 'faces', outcomes, times: times() },
          transfer: ownedBuffers(outcomeArrays(outcomes)),
        };
      }
      case 'combine': {
        if (fra === undefined || init.fra === undefined) throw new Error('no combiner in this thread');
        const identities = pickIdentities(request.identities, request.dim, request.sources);
        const postures = pickPostures(init.fra.postureCodes, POSTURE_DIM, request.postures);
        const embeddings = await stopwatch.time('combine', () => fra.combiner.combine(identities, postures));
        return {
          response: { kind: 'combine', embeddings, times: times() },
          transfer: ownedBuffers([embeddings]),
        };
      }
    }
  };
});

/** Picks rows of matrices, into the same memory every time: an answer is good until the next one. */
function rowPicker(): (matrix: Float32Array, rowSize: number, rows: Uint32Array) => Float32Array {
  let room = new Float32Array(0);
  return (matrix, rowSize, rows) => {
    const size = rows.length * rowSize;
    if (room.length < size) room = new Float32Array(size);
    rows.forEach((row, i) => {
      room.set(matrix.subarray(row * rowSize, (row + 1) * rowSize), i * rowSize);
    });
    return room.subarray(0, size);
  };
}

/** The crop has served: it is not sent back. */
function withoutCrop(outcome: FaceOutcome<CroppedFace>): FaceOutcome<EmbeddedFace> {
  if (outcome.status !== 'ok') return outcome;
  const { crop: _, ...face } = outcome.face;
  return { status: 'ok', face };
}

function outcomeArrays(outcomes: readonly FaceOutcome<EmbeddedFace>[]): (Float32Array | undefined)[] {
  return outcomes.flatMap((outcome) =>
    outcome.status === 'ok' ? [outcome.face.landmarks, outcome.face.embedding, outcome.face.postureCode] : [],
  );
}
