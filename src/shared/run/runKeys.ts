/** Where each file of a run lies in its store, and what the names of those files say. */
import { randomBytes } from 'node:crypto';
import { shardName } from '../shard.ts';

export const RUN_KEY = 'run.json';
export const MANIFEST_KEY = 'manifest.json';
export const SUCCESS_KEY = '_SUCCESS';
export const SUBJECTS_KEY = 'subjects.parquet';
export const PAUSE_KEY = 'paused.json';
export const COMMITS_PREFIX = 'commits/';
export const LISTING_PREFIX = 'listing/';
export const GENERATIONS_PREFIX = 'generations/';
export const FAILURES_PREFIX = 'failures/';

/** The folders of a shard's files, each file unique to an attempt. */
export const ATTEMPT_FOLDERS = ['data', 'rejects', 'subjects'] as const;
export type AttemptFolder = (typeof ATTEMPT_FOLDERS)[number];

/** Keys of a listing hold the id of its plan, so that two planners of one store never write over each other. */
export function partKey(planId: string, part: number): string {
  return `${LISTING_PREFIX}part-${planId}-${String(part).padStart(5, '0')}.parquet`;
}

/** The shards of a plan. */
export function planKey(planId: string): string {
  return `${LISTING_PREFIX}shards-${planId}.parquet`;
}

/** Who the people of an append's listing are to the run. */
export function appendedSubjectsKey(planId: string): string {
  return `${LISTING_PREFIX}subjects-${planId}.parquet`;
}

/** Whether posecast names a file of a listing so. */
export function isListingKey(key: string): boolean {
  return /^listing\/(part|shards|subjects)-.+\.parquet$/.test(key);
}

/**
 * The id of an append's plan; that of the run as planned is the run's. Its generation is in it: leftovers of an earlier
 * one can be told from the plan that is being made.
 */
export function newPlanId(runId: string, generation: number): string {
  return `${runId}-g${String(generation).padStart(4, '0')}-${randomBytes(3).toString('hex')}`;
}

/** The generation that a file of `listing/` was planned for; undefined for any other key. */
export function generationOfListingKey(runId: string, key: string): number | undefined {
  const [, before, digits] = /^listing\/[a-z]+-(.+)-g(\d{4,})-[0-9a-f]{6}[-.]/.exec(key) ?? [];
  return before === runId ? Number(digits) : undefined;
}

export function generationKey(generation: number): string {
  return `${GENERATIONS_PREFIX}${String(generation).padStart(4, '0')}.json`;
}

/** The number of a generation's file; undefined for any other key. */
export function generationOfKey(key: string): number | undefined {
  return numberIn(GENERATIONS_PREFIX, 4, key);
}

export function failureKey(shardIndex: number): string {
  return `${FAILURES_PREFIX}${shardName(shardIndex)}.json`;
}

/** The shard that a note of a failure is about; undefined for any other key. */
export function shardOfFailureKey(key: string): number | undefined {
  return numberIn(FAILURES_PREFIX, 8, key);
}

export function commitKey(shardIndex: number): string {
  return `${COMMITS_PREFIX}${shardName(shardIndex)}.json`;
}

/** The shard a commit belongs to; undefined for a key that is not a commit's. */
export function shardOfCommitKey(key: string): number | undefined {
  return numberIn(COMMITS_PREFIX, 8, key);
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

/** The attempt an attempt-unique key belongs to; undefined for any other key. */
export function parseAttemptKey(
  key: string,
): { folder: AttemptFolder; shardIndex: number; attemptId: string } | undefined {
  const [, folder, digits, attemptId] =
    /^(data|rejects|subjects)\/(\d{8,})-([A-Za-z0-9-]+)\.(?:parquet|arrow)$/.exec(key) ?? [];
  if (folder === undefined || digits === undefined || attemptId === undefined) return undefined;
  return { folder: folder as AttemptFolder, shardIndex: Number(digits), attemptId };
}

/** The number that a JSON file of a folder is named by, of at least `digits` digits; undefined for any other key. */
function numberIn(prefix: string, digits: number, key: string): number | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const found = /^(\d+)\.json$/.exec(key.slice(prefix.length))?.[1];
  return found === undefined || found.length < digits ? undefined : Number(found);
}
