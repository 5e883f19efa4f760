/** What has been done since the last report. */
export interface ShardProgress {
  readonly faces: number;
  readonly rejects: number;
  readonly variants: number;
}

export const NO_PROGRESS: ShardProgress = { faces: 0, rejects: 0, variants: 0 };

export function sumProgress(parts: Iterable<ShardProgress>): ShardProgress {
  let { faces, rejects, variants } = NO_PROGRESS;
  for (const part of parts) {
    faces += part.faces;
    rejects += part.rejects;
    variants += part.variants;
  }
  return { faces, rejects, variants };
}
