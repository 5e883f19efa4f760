/** What has been done since the last report. */
export interface ShardProgress {
  readonly faces: number;
  readonly rejects: number;
  readonly variants: number;
}
