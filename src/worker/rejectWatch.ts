/**
 * Notices that a corpus is mostly broken while its first photographs are being done, and not the next morning. A
 * worker process judges by the photographs that it has seen itself, so that one node with a broken mount stops
 * without stopping the others.
 */

import { readRunShards } from '../shared/run/generations.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import { createRunTally } from '../shared/run/runTally.ts';
import { rejectCode } from '../shared/run/shardCommit.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { FaceResult } from './tables/shardTables.ts';

/** Without a share asked for, more than half must be rejected. */
export const DEFAULT_MAX_REJECTED = 0.5;

/** Photographs a process has to see before it judges: at 0.5, chance alone gets nowhere near. */
export const JUDGED_AFTER = 200;

/** Reasons kept apart; a code is made of a stage and a fixed word, so there are few. */
const MAX_REASONS = 100;

export interface RejectLimit {
  /** 0–1: the largest share of photographs that may be rejected. */
  readonly share: number;
  /** Photographs to be seen before the share is judged, at least 1. */
  readonly judgedAfter: number;
}

export interface RejectReason {
  /** `stage/code`. */
  readonly code: string;
  readonly photographs: number;
  /** One of them, by its uri in the listing, and what was said of it; null: none was done by this process. */
  readonly example: { readonly uri: string; readonly message: string } | null;
}

/** What a process has seen so far; reasons by number, the commonest first. */
export interface RejectReport {
  readonly photographs: number;
  readonly rejected: number;
  readonly reasons: readonly RejectReason[];
}

export interface RejectWatch {
  /** Adds a batch of an attempt of a shard; true when the limit is exceeded. */
  add(results: readonly FaceResult[], attempt: object): boolean;
  /** The attempt is over. What it added stays if it was committed; else the shard's photographs are seen again. */
  end(attempt: object, isCommitted: boolean): void;
  report(): RejectReport;
}

interface Tally {
  photographs: number;
  rejected: number;
  /** By code. */
  readonly reasons: Map<string, RejectReason>;
}

/** `before`: what earlier processes committed, where that is to be judged too. */
export function createRejectWatch(limit: RejectLimit, before?: RejectReport): RejectWatch {
  const committed = emptyTally();
  if (before !== undefined) addReport(committed, before);
  const inWork = new Map<object, Tally>();

  function report(): RejectReport {
    const all = emptyTally();
    for (const tally of [committed, ...inWork.values()]) addReport(all, reportOf(tally));
    return reportOf(all);
  }

  return {
    add(results, attempt) {
      const tally = inWork.get(attempt) ?? emptyTally();
      inWork.set(attempt, tally);
      for (const result of results) addResult(tally, result);
      const { photographs, rejected } = report();
      return photographs >= limit.judgedAfter && rejected > limit.share * photographs;
    },
    end(attempt, isCommitted) {
      const tally = inWork.get(attempt);
      inWork.delete(attempt);
      if (isCommitted && tally !== undefined) addReport(committed, reportOf(tally));
    },
    report,
  };
}

function emptyTally(): Tally {
  return { photographs: 0, rejected: 0, reasons: new Map() };
}

function addResult(tally: Tally, { record, outcome }: FaceResult): void {
  tally.photographs++;
  if (outcome.status === 'ok') return;
  tally.rejected++;
  const { stage, code, message } = outcome.rejection;
  const example = { uri: record.uri, message };
  addReason(tally.reasons, { code: rejectCode(stage, code), photographs: 1, example });
}

function addReport(tally: Tally, { photographs, rejected, reasons }: RejectReport): void {
  tally.photographs += photographs;
  tally.rejected += rejected;
  for (const reason of reasons) addReason(tally.reasons, reason);
}

function addReason(reasons: Map<string, RejectReason>, { code, photographs, example }: RejectReason): void {
  const known = reasons.get(code);
  if (known === undefined && reasons.size === MAX_REASONS) return;
  reasons.set(code, {
    code,
    photographs: (known?.photographs ?? 0) + photographs,
    example: known?.example ?? example,
  });
}

function reportOf({ photographs, rejected, reasons }: Tally): RejectReport {
  return { photographs, rejected, reasons: [...reasons.values()].sort(commonestFirst) };
}

/**
 * The watch of a process. A share that was asked for is also judged on a corpus of fewer than 200 photographs, when all
 * of them are done: those that were committed before, and those that are done here. Several processes that each do a
 * part of them at the same time judge by `rejectsOfSmallRun`.
 */
export async function openRejectWatch(
  asked: number | undefined,
  run: RunFile,
  store: ObjectStore,
): Promise<RejectWatch> {
  if (asked === undefined || run.corpus.faces >= JUDGED_AFTER) {
    return createRejectWatch({ share: asked ?? DEFAULT_MAX_REJECTED, judgedAfter: JUDGED_AFTER });
  }
  const shards = await readRunShards(store, run);
  const { faces } = shards;
  if (faces >= JUDGED_AFTER) return createRejectWatch({ share: asked, judgedAfter: JUDGED_AFTER });
  return createRejectWatch({ share: asked, judgedAfter: faces }, await committedRejects(store, shards));
}

/**
 * For the last step of a run of fewer than 200 photographs, by whomever they were done: what its commits say when it
 * exceeds the share that was asked for, else undefined.
 */
export async function rejectsOfSmallRun(
  asked: number | undefined,
  run: RunFile,
  store: ObjectStore,
): Promise<RejectReport | undefined> {
  if (asked === undefined || run.corpus.faces >= JUDGED_AFTER) return undefined;
  const shards = await readRunShards(store, run);
  if (shards.faces >= JUDGED_AFTER) return undefined;
  const found = await committedRejects(store, shards);
  return found.photographs === shards.faces && found.rejected > asked * found.photographs ? found : undefined;
}

/** For small runs: reads every commit. */
async function committedRejects(store: ObjectStore, shards: RunShards): Promise<RejectReport> {
  const { counters, rejectsByCode, refresh } = createRunTally(shards, store);
  await refresh();
  const reasons = Object.entries(rejectsByCode).map(([code, photographs]) => ({
    code,
    photographs,
    example: null,
  }));
  return {
    photographs: counters.faces,
    rejected: counters.rejected,
    reasons: reasons.sort(commonestFirst),
  };
}

function commonestFirst(a: RejectReason, b: RejectReason): number {
  return b.photographs - a.photographs || (a.code < b.code ? -1 : 1);
}
