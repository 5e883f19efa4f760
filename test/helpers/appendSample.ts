/**
 * A corpus as a list that grows, and a run over it whose embeddings are made up: everything else is the product's own.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PlannedRun, type PlanRunOptions, planRun } from '../../src/producer/planRun.ts';
import { parseRunConfig, type RunConfig } from '../../src/shared/config.ts';
import { readCommittedSet } from '../../src/shared/run/committedShards.ts';
import { finalizeRun } from '../../src/shared/run/finalizeRun.ts';
import { readRunShards } from '../../src/shared/run/generations.ts';
import type { RunFile } from '../../src/shared/run/runFile.ts';
import { currentSpecs, openRunPlan } from '../../src/shared/run/runPlan.ts';
import type { ShardSpec } from '../../src/shared/shard.ts';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { type ChangeRows, MODELS, runSampleShard, type ShardRows } from './sampleRun.ts';

export type Listed = readonly [subjectId: string, face: string];

export function faceIdOf([subjectId, face]: Listed): string {
  return `${subjectId}/${face}`;
}

/** Plans a run as those of the helpers here: with models that are made up. */
export function planSample(
  config: RunConfig,
  store: ObjectStore,
  options: Pick<PlanRunOptions, 'append' | 'note'> = {},
): Promise<PlannedRun> {
  return planRun(config, store, { models: MODELS, ...options });
}

export interface GrowingCorpus {
  readonly config: RunConfig;
  /** Replaces the list. */
  list(faces: readonly Listed[], change?: (line: string) => string): Promise<void>;
  plan(store: ObjectStore, append?: boolean, note?: (line: string) => void): Promise<PlannedRun>;
}

export function growingCorpus(folder: string): GrowingCorpus {
  const corpus = join(folder, 'faces.csv');
  const config = parseRunConfig({
    corpus,
    corpusFormat: 'csv',
    imageRoot: folder,
    variants: 4,
    shardFaces: 3,
  });
  return {
    config,
    async list(faces, change = (line) => line) {
      const lines = faces.map((face) => change(`${faceIdOf(face)},${face[0]},${faceIdOf(face)}`));
      await writeFile(corpus, ['face_id,subject_id,path', ...lines, ''].join('\n'));
    },
    plan: (store, append = true, note = () => {}) => planSample(config, store, { append, note }),
  };
}

/** Commits the shards that have no commit, and finishes the run. */
export async function commitRest(store: ObjectStore, run: RunFile, most = Infinity): Promise<void> {
  const shards = await readRunShards(store, run);
  const committed = await readCommittedSet(store, shards);
  let left = most;
  for await (const { spec } of currentSpecs(run, store, shards)) {
    if (committed.has(spec.index)) continue;
    if (left-- === 0) return;
    await commitSample(store, run, spec);
  }
  await finalizeRun(store, run);
}

/** The rows a correct worker would give for a shard of an append. */
export async function commitSample(
  store: ObjectStore,
  run: RunFile,
  spec: ShardSpec,
  change: ChangeRows = () => undefined,
): Promise<void> {
  const appended = await openRunPlan(store, run).appended(spec);
  await runSampleShard(store, run, spec, `attempt-${spec.index}`, (rows: ShardRows) => {
    for (const [i, { classIndex, earlier }] of (appended?.subjects ?? []).entries()) {
      const person = rows.subjects[i]!;
      const known = earlier.length > 0;
      rows.subjects[i] = { ...person, classIndex, ...(known && { variants: 0 }) };
      // Whoever has variants from before gets no others.
      if (known)
        rows.data = rows.data.filter(
          ({ kind, subjectId }) => kind === 'real' || subjectId !== person.subjectId,
        );
    }
    change(rows, spec);
  });
}
