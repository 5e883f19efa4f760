/** The two corpora of the fault suite, with the result that an undisturbed run of each comes to. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { posecast } from '../helpers/cli.ts';
import { makeSmallShards } from '../soak/smallShards.ts';
import { type RunTables, readTables } from './compareRuns.ts';

export interface FaultCorpus {
  readonly corpus: string;
  readonly options: readonly string[];
  /** For every process. */
  readonly env: NodeJS.ProcessEnv;
  readonly shards: number;
  readonly expected: RunTables;
}

/** Networks of a few hundred bytes: for what is about dispatch. */
export async function tinyCorpus(folder: string, shards = 16): Promise<FaultCorpus> {
  return undisturbed(folder, { ...(await makeSmallShards(folder, shards)), shards });
}

/** A tiny corpus for all tests of a file. */
export function sharedTinyCorpus(shards: number): () => FaultCorpus {
  let folder: string | undefined;
  let corpus: FaultCorpus | undefined;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'posecast-faults-'));
    corpus = await tinyCorpus(folder, shards);
  });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  return () => corpus!;
}

/** The sample photographs through the default networks. */
export async function realCorpus(folder: string): Promise<FaultCorpus> {
  const pulled = await posecast(['models', 'pull']);
  assert.equal(pulled.code, 0, pulled.stderr);
  return undisturbed(folder, {
    corpus: join(packageRoot, 'samples', 'london'),
    options: ['--variants', '3', '--shard-faces', '2'],
    env: {},
    shards: 12,
  });
}

async function undisturbed(folder: string, corpus: Omit<FaultCorpus, 'expected'>): Promise<FaultCorpus> {
  const out = join(folder, `undisturbed-${corpus.shards}`);
  const ran = await posecast(['run', corpus.corpus, out, ...corpus.options], corpus.env);
  assert.equal(ran.code, 0, ran.stderr);
  const store = await openStore(out, { access: 'read' });
  try {
    return { ...corpus, expected: await readTables(store) };
  } finally {
    await store.close();
  }
}
