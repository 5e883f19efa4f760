/** Rivals that change the photograph, not the embedding: mirrored, and rendered at other poses. */
import { type Method, perRequest, sourceOf } from '../method.ts';

/** Embeddings of changed photographs, made by the recogniser. */
export interface PictureViews {
  /** The mirrored photograph; undefined: the pipeline rejected it. */
  mirrored(faceId: string): Float32Array | undefined;
  /** Renders of the photograph that the pipeline accepted, with the yaw they were made for in degrees. */
  renders(faceId: string): readonly { readonly yaw: number; readonly embedding: Float32Array }[];
}

export function mirrorRival(views: PictureViews): Method {
  return {
    id: 'mirror',
    label: 'mirrored photograph',
    kind: 'rival',
    trainedOn: 'nothing',
    prepare: async () => perRequest((request) => views.mirrored(sourceOf(request).faceId)),
  };
}

/** The render nearest to the target's yaw. */
export function renderRival(views: PictureViews): Method {
  return {
    id: 'render',
    label: 'rendered photograph',
    kind: 'rival',
    trainedOn: 'nothing',
    note: 'Runs renderer, pipeline and recogniser for every variant.',
    prepare: async () =>
      perRequest((request) => {
        const { yaw } = request.target;
        return [...views.renders(sourceOf(request).faceId)].sort(
          (a, b) => Math.abs(a.yaw - yaw) - Math.abs(b.yaw - yaw),
        )[0]?.embedding;
      }),
  };
}
