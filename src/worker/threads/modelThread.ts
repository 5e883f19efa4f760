/** A thread of the model pool: the face pipeline and the combiner, one request at a time. */
import type { MessagePort } from 'node:worker_threads';
import type { CroppedFace, EmbeddedFace, FaceInput, FaceOutcome } from '../../shared/face.ts';
import { ownedBuffers } from '../../shared/threads/ownedBuffers.ts';
import { type Answer, serveThread } from '../../shared/threads/serveThread.ts';
import { deviceClient } from '../device/deviceClient.ts';
import { type FacePipelineOptions, openFacePipeline } from '../facePipeline.ts';
import type { BankRequest } from '../models/bankCombiner.ts';
import { type FraNetworksOptions, openFraNetworks } from '../models/fraNetworks.ts';
import { freeBytes } from '../models/freeBytes.ts';
import type { ModelSet } from '../models/openModels.ts';
import { openStopwatch } from '../stopwatch.ts';

export interface ModelThreadInit {
  readonly pipeline: Omit<FacePipelineOptions<ModelSet>, 'deviceClient'>;
  /** Absent when nothing is generated. */
  readonly fra?: FraNetworksOptions;
}

export type ModelRequest =
  | { readonly kind: 'faces'; readonly batch: readonly FaceInput[] }
  | ({ readonly kind: 'combine' } & BankRequest);

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
        if (fra === undefined) throw new Error('no combiner in this thread');
        const embeddings = await stopwatch.time('combine', () => fra.combiner.combine(request));
        return {
          response: { kind: 'combine', embeddings, times: times() },
          transfer: ownedBuffers([embeddings]),
        };
      }
    }
  };
});

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
