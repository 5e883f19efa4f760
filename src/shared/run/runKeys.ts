/** Where each file of a run lies in its store. */
import { shardName } from '../shard.ts';

export const RUN_KEY = 'run.json';
export const MANIFEST_KEY = 'manifest.json';
export const SUCCESS_KEY = '_SUCCESS';
export const SUBJECTS_KEY = 'subjects.parquet';
export const COMMITS_PREFIX = 'commits/';
export const LISTING_PREFIX = 'listing/';
export const GENERATIONS_PREFIX = 'generations/';
export const FAILURES_PREFIX = 'failures/';

/** The folders of a shard's files, each file unique to an attempt. */
export const ATTEMPT_FOLDERS = ['data', 'rejects', 'subjects'] as const;
export type AttemptFolder = (typeof ATTEMPT_FOLDERS)[number];

export function commitKey(shardIndex: number): string {
  return `${COMMITS_PREFIX}${shardName(shardIndex)}.json`;
}

export function generationKey(generation: number): string {
  return `${GENERATIONS_PREFIX}${String(generation).padStart(4, '0')}.json`;
}

/** The number of a generation's file; undefined for any other key. */
export function generationNumber(key: string): number | undefined {
  const digits = /^generations\/(\d{4,})\.json$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function failureKey(shardIndex: number): string {
  return `${FAILURES_PREFIX}${shardName(shardIndex)}.json`;
}

/** The shard that a note of a failure is about; undefined for any other key. */
export function failureShard(key: string): number | undefined {
  const digits = /^failures\/(\d{8,})\.json$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** `attemptId`: unique to the attempt, letters, digits and hyphens. */
export function attemptKey(
  folder: AttemptFolder,
  shardIndex: number,
  attemptId: string,
  format: 'parquet' | 'arrow',
): string {
  return `${folder}/${shardName(shardIndex)}-${attemptId}.${format}`;
}

/** The shard a commit belongs to; undefined for a key that is not a commit's. */
export function commitShardIndex(key: string): number | undefined {
  const digits = /^commits\/(\d{8,})\.json$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The attempt an attempt-unique key belongs to; undefined for any other key. */
export function parseAttemptKey(
  key: string,
): { folder: AttemptFolder; shardIndex: number; attemptId: string } | undefined {
  const [, folder, digits, attemptId] =
    /^(data|rejects|subjects)\/(\d{8,})-([A-Za-z0-9-]+)\.(?:parquet|arrow)$/.exec(key) ?? [];
  if (folder === undefined || digits === undefined || attemptId === undefined) return undefined;
  return { folder: folder as AttemptFolder, shardIndex: Number(digits), attemptId };
}
