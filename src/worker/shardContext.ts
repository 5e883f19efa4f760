/** What a shard is processed with, and what is heard of it. */
import type { LimitFunction } from 'p-limit';
import type { CorpusSource } from '../shared/corpus/corpusSource.ts';
import type { RunFile } from '../shared/run/runFile.ts';
import type { RunPlan } from '../shared/run/runPlan.ts';
import type { Counters } from '../shared/run/shardCommit.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import type { EarlierReader } from './earlier/earlierReader.ts';
import type { ShardProgress } from './queue/shardProgress.ts';
import type { TableImages } from './reading/tableImages.ts';
import type { AugmentOptions, PostureTargets } from './stages/augment.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { FaceResult } from './tables/shardTables.ts';
import type { TableWriter } from './tables/tableWriter.ts';
import type { ModelPool, ShardModels } from './threads/modelPool.ts';
import type { WorkObserver } from './workObserver.ts';

/** What every shard of a run shares in a worker process. */
export interface ShardContext {
  readonly run: RunFile;
  readonly store: ObjectStore;
  /** Where the photographs of the listing are read. */
  readonly corpus: CorpusSource;
  /** Reads those that lie in the rows of tables; absent where the corpus is no table. */
  readonly tableImages?: TableImages;
  /** What the jobs of the queue are held to. */
  readonly plan: RunPlan;
  /** For people whose photographs came at several times. */
  readonly earlier: EarlierReader;
  readonly models: ModelPool;
  readonly tableWriter: TableWriter;
  /** Absent when the run asks for no variants. */
  readonly augmentation?: { readonly targets: PostureTargets; readonly options: AugmentOptions };
  readonly device: string;
  /** Faces a model thread gets at a time. */
  readonly batchFaces: number;
  /** Bounds the images being read at once in this process. */
  readonly readLimit: LimitFunction;
}

/** The context with the models as one shard sees them. */
export type InTurn = Omit<ShardContext, 'models'> & { readonly models: ShardModels };

export interface ShardRunOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (done: ShardProgress) => void;
  /**
   * Receives every photograph as soon as it is done, long before the shard is committed. Once the attempt has failed,
   * neither this nor `onProgress` hears of any.
   */
  readonly onFaces?: (results: readonly FaceResult[]) => void;
  /** Gets the times of this shard's stages, also when it fails. */
  readonly stopwatch?: Stopwatch;
  /** Hears of batches and threads. */
  readonly observer?: WorkObserver;
  /** Receives what the commit counts, when it is this call's. */
  readonly onCommitted?: (counters: Counters, rejectsByCode: Readonly<Record<string, number>>) => void;
}
