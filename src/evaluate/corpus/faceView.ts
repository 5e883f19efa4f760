/** A photograph as it is, mirrored, or rendered at another pose; and what the face pipeline said about it. */
import type { Landmarks68, Pose, Rejection } from '../../shared/face.ts';

export type ViewKind =
  | { readonly kind: 'photograph' }
  | { readonly kind: 'mirrored' }
  /** Yaw in degrees that the render is made for. */
  | { readonly kind: 'render'; readonly yaw: number };

/** What every recogniser gets of a view. */
export interface MeasuredView {
  readonly pose: Pose;
  readonly landmarks: Landmarks68;
  /** `cropHash` of the aligned crop. */
  readonly cropHash: string;
  /** Unit length. */
  readonly embedding: Float32Array;
}

export type ViewOutcome =
  | { readonly status: 'ok'; readonly view: MeasuredView }
  | { readonly status: 'rejected'; readonly rejection: Rejection };

/** Key of a view in the cache: content and kind, so that a renamed file is not computed again. */
export function viewKey(photographSha256: string, view: ViewKind): string {
  return `${photographSha256} ${view.kind}${view.kind === 'render' ? ` ${view.yaw}` : ''}`;
}
