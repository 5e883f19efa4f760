/** A thread of the model pool: the face pipeline and the combiner, one request at a time. */
import type { EmbeddedFace, FaceInput, FaceOutcome } from '../shared/face.ts';
import { ownedBuffers } from '../shared/threads/ownedBuffers.ts';
import { type Answer, serveThread } from '../shared/threads/serveThread.ts';
import { type FacePipelineOptions, openFacePipeline } from './facePipeline.ts';
import { openCombiner } from './models/combiner.ts';

export interface ModelThreadInit {
  readonly pipeline: FacePipelineOptions;
  /** Path of combiner.onnx; absent when nothing is generated. */
  readonly combinerPath?: string;
}

export type ModelRequest =
  | { readonly kind: 'faces'; readonly batch: readonly FaceInput[] }
  | { readonly kind: 'combine'; readonly identities: Float32Array; readonly postures: Float32Array };

export type ModelResponse =
  | { readonly kind: 'faces'; readonly outcomes: FaceOutcome<EmbeddedFace>[] }
  | { readonly kind: 'combine'; readonly embeddings: Float32Array };

await serveThread(async (init: ModelThreadInit) => {
  const pipeline = await openFacePipeline(init.pipeline);
  const combiner =
    init.combinerPath === undefined ? undefined : await openCombiner(init.combinerPath, init.pipeline);
  return async (request: ModelRequest): Promise<Answer<ModelResponse>> => {
    switch (request.kind) {
      case 'faces': {
        const outcomes = (await pipeline.process(request.batch)).map(withoutCrop);
        return { response: { kind: 'faces', outcomes }, transfer: ownedBuffers(outcomeArrays(outcomes)) };
      }
      case 'combine': {
        if (combiner === undefined) throw new Error('no combiner was opened in this thread');
        const embeddings = await combiner.combine(request.identities, request.postures);
        return { response: { kind: 'combine', embeddings }, transfer: ownedBuffers([embeddings]) };
      }
    }
  };
});

/** The crop has served: it is not sent back. */
function withoutCrop(outcome: FaceOutcome): FaceOutcome<EmbeddedFace> {
  if (outcome.status !== 'ok') return outcome;
  const { crop: _, ...face } = outcome.face;
  return { status: 'ok', face };
}

function outcomeArrays(outcomes: readonly FaceOutcome<EmbeddedFace>[]): (Float32Array | undefined)[] {
  return outcomes.flatMap((outcome) =>
    outcome.status === 'ok' ? [outcome.face.landmarks, outcome.face.embedding, outcome.face.postureCode] : [],
  );
}
