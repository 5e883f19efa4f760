/** Whether the manifest says what the commits say. */
import { isDeepStrictEqual } from 'node:util';
import { isFinished } from '../shared/run/committedShards.ts';
import type { RunShards } from '../shared/run/generations.ts';
import { describeGenerations, type RunManifest, readManifest } from '../shared/run/manifest.ts';
import { MANIFEST_KEY, SUCCESS_KEY } from '../shared/run/runKeys.ts';
import type { FileEntry, ShardCommit } from '../shared/run/shardCommit.ts';
import type { ProblemLog } from './problems.ts';
import type { Tally } from './tally.ts';
import type { Verification } from './verification.ts';

/** The manifest, or undefined when there is none that can be read. */
export async function openManifest({ store, run, problems }: Verification): Promise<RunManifest | undefined> {
  const finished = await isFinished(store).catch(problems.addDamaged(SUCCESS_KEY));
  if (finished === false) {
    problems.add('not-finished', SUCCESS_KEY, 'run is not finished: the same run command continues it');
  }
  try {
    const manifest = await readManifest(store);
    if (manifest === undefined) return void problems.add('no-manifest', MANIFEST_KEY, 'there is no manifest');
    if (manifest.runId !== run.runId) {
      problems.add(
        'other-run',
        MANIFEST_KEY,
        `manifest is of run ${manifest.runId}, run.json of ${run.runId}`,
      );
    }
    return manifest;
  } catch (error) {
    return problems.addDamaged(MANIFEST_KEY)(error);
  }
}

/** The manifest's files, taken off its list as commits come by in shard order. */
export class ManifestFiles {
  private readonly files: RunManifest['files'];
  private readonly problems: ProblemLog;
  private readonly shards: RunShards;
  private next = 0;

  constructor(manifest: RunManifest, shards: RunShards, problems: ProblemLog) {
    this.files = manifest.files;
    this.shards = shards;
    this.problems = problems;
  }

  /** For a shard whose commit cannot be read: its files are neither right nor wrong. */
  skip(shardIndex: number): void {
    while (this.files[this.next]?.shard === shardIndex) this.next++;
  }

  compare(commit: ShardCommit): void {
    const shard = commit.spec.index;
    for (const kind of ['data', 'rejects'] as const) {
      const entry = commit[kind];
      if (entry === null) continue;
      const found = this.files[this.next];
      if (found?.shard === shard) this.next++;
      if (found?.shard === shard && found.kind === kind && sameEntry(found, entry)) continue;
      const expected = JSON.stringify({ kind, shard, ...entry });
      this.add(`expected ${expected}, manifest has ${JSON.stringify(found) ?? 'nothing'}`);
    }
    const place = this.shards.placeOf(shard) ?? Infinity;
    while (this.next < this.files.length && this.placeOfNext() <= place) this.addLeft();
  }

  finish(): void {
    while (this.next < this.files.length) this.addLeft();
  }

  /** Files are in the order of the listing; one of a shard that does not count is out of place wherever it is. */
  private placeOfNext(): number {
    return this.shards.placeOf(this.files[this.next]?.shard ?? -1) ?? -1;
  }

  private addLeft(): void {
    this.add(`manifest names a file no commit names: ${this.files[this.next]?.key}`);
    this.next++;
  }

  private add(problem: string): void {
    this.problems.add('manifest', MANIFEST_KEY, problem);
  }
}

function sameEntry(a: FileEntry, b: FileEntry): boolean {
  return a.key === b.key && a.rows === b.rows && a.bytes === b.bytes && a.sha256 === b.sha256;
}

/** Compares the manifest's numbers with what was read. */
export function compareTotals(
  there: RunShards,
  { totals, shards, generations, corpus }: RunManifest,
  { checked, counters }: Tally,
  problems: ProblemLog,
): void {
  const compare = (name: string, said: number, found: number) => {
    if (said !== found) problems.add('totals', MANIFEST_KEY, `manifest says ${said} ${name}, found ${found}`);
  };
  compare('shards', shards, there.places);
  compare('generations', generations.length, there.generations.length);
  for (const [i, expected] of describeGenerations(there, counters).entries()) {
    const [wanted, found] = [expected, generations[i]].map((value) => JSON.stringify(value));
    if (found !== undefined && !isDeepStrictEqual(generations[i], expected)) {
      problems.add('generations', MANIFEST_KEY, `expected ${wanted}, manifest has ${found}`);
    }
  }
  if (!isDeepStrictEqual(corpus, there.corpus)) {
    const [wanted, found] = [there.corpus, corpus].map((value) => JSON.stringify(value));
    problems.add('totals', MANIFEST_KEY, `manifest says the corpus is ${found}, expected ${wanted}`);
  }
  for (const name of ['rows', 'faces', 'subjects', 'rejected', 'variants'] as const) {
    compare(name, totals[name], checked[name]);
  }
  compare('faces in the corpus', there.faces, checked.faces);
  compare('people in the corpus', there.subjects, checked.subjects);
}
