/** Rivals that change the photograph, not the embedding: mirrored, and rendered at other poses. */
import { type Method, perRequest, sourceOf } from '../method.ts';

/** Embeddings of changed photographs, made by the recogniser; by face id. */
export interface ViewTable {
  /** Without photographs whose mirrored form the pipeline rejected. */
  readonly mirrored: ReadonlyMap<string, Float32Array>;
  /** Renders that the pipeline accepted, with the yaw they were made for in degrees. */
  readonly renders: ReadonlyMap<
    string,
    readonly { readonly yaw: number; readonly embedding: Float32Array }[]
  >;
  /** Renderer, pipeline and recognisers together, measured. */
  readonly rendersPerSecond: number | null;
}

export function mirrorRival(views: ViewTable): Method {
  return {
    id: 'mirror',
    label: 'mirrored photograph',
    kind: 'rival',
    space: 'picture',
    trainedOn: 'nothing',
    perSecond: null,
    prepare: async () => perRequest((request) => views.mirrored.get(sourceOf(request).faceId)),
  };
}

/** The render nearest to the target's yaw. */
export function renderRival(views: ViewTable): Method {
  return {
    id: 'render',
    label: 'rendered photograph',
    kind: 'rival',
    space: 'picture',
    trainedOn: 'nothing',
    perSecond: views.rendersPerSecond,
    note: 'Runs renderer, pipeline and recogniser for every variant.',
    prepare: async () =>
      perRequest((request) => {
        const { yaw } = request.target;
        return [...(views.renders.get(sourceOf(request).faceId) ?? [])].sort(
          (a, b) => Math.abs(a.yaw - yaw) - Math.abs(b.yaw - yaw),
        )[0]?.embedding;
      }),
  };
}
