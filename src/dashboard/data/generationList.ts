/** The generations of a run as the page lists them: what each brought, when, and how much of it is done. */

import type { RunFile } from '../../shared/run/runFile.ts';
import type { RunShards } from '../../shared/run/runShards.ts';
import { lowerBound } from './appendedPeople.ts';
import type { CommitLog } from './commitLog.ts';

/** Photographs: the run as planned (generation 0), or what an append added. */
export interface PhotographGeneration {
  readonly kind: 'planned' | 'append';
  readonly generation: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly faces: number;
  /** Without an earlier photograph. */
  readonly newPeople: number;
  readonly shards: number;
  /** Committed, whichever generation did them in the end. */
  readonly shardsDone: number;
}

/** Shards that were done again. */
export interface RepeatGeneration {
  readonly kind: 'retry';
  readonly generation: number;
  readonly createdAt: string;
  readonly shards: number;
}

export type ListedGeneration = PhotographGeneration | RepeatGeneration;

export function listedGenerations(
  run: Pick<RunFile, 'createdAt'>,
  shards: RunShards,
  log: Pick<CommitLog, 'has'>,
): ListedGeneration[] {
  const photographs = shards.listings.map((listing): PhotographGeneration => {
    let shardsDone = 0;
    for (let place = listing.firstPlace; place < listing.firstPlace + listing.shards; place++) {
      if (log.has(shards.shardAt(place))) shardsDone++;
    }
    const { generation, faces, newSubjects } = listing;
    const createdAt = shards.generations[generation - 1]?.createdAt ?? run.createdAt;
    const kind = generation === 0 ? 'planned' : 'append';
    return { kind, generation, createdAt, faces, newPeople: newSubjects, shards: listing.shards, shardsDone };
  });
  const repeats = shards.generations
    .filter((generation) => generation.kind === 'retry')
    .map(({ generation, createdAt, replaces }): RepeatGeneration => {
      return { kind: 'retry', generation, createdAt, shards: replaces.length };
    });
  return [...photographs, ...repeats].sort((a, b) => a.generation - b.generation);
}

/** The generation that a shard number was given out by; a run has millions of shards and is asked about all of them. */
export function generationOfShard({
  generations,
}: Pick<RunShards, 'generations'>): (shard: number) => number {
  const firsts = generations.map(({ firstShard }) => firstShard);
  return (shard) => lowerBound(firsts, shard + 1);
}
