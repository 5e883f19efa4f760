/** Whether the manifest says what the commits say. */
import { isDeepStrictEqual } from 'node:util';
import { isFinished } from '../shared/run/committedShards.ts';
import { type RunManifest, readManifest } from '../shared/run/manifest.ts';
import { MANIFEST_KEY, RUN_KEY, SUCCESS_KEY } from '../shared/run/runKeys.ts';
import type { RunShards } from '../shared/run/runShards.ts';
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

/**
 * Compares the manifest with what a finish of the same commits writes, field by field; its files are compared as
 * commits come by.
 */
export function compareManifest(
  manifest: RunManifest,
  expected: Omit<RunManifest, 'files'>,
  problems: ProblemLog,
): void {
  for (const [name, value] of Object.entries(expected)) {
    for (const difference of differences(name, value, manifest[name as keyof typeof expected])) {
      problems.add('manifest', MANIFEST_KEY, difference);
    }
  }
}

function* differences(path: string, expected: unknown, found: unknown): Iterable<string> {
  if (isDeepStrictEqual(expected, found)) return;
  if (hasFields(expected) && hasFields(found)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      yield* differences(`${path}.${name}`, ownField(expected, name), ownField(found, name));
    }
    return;
  }
  const [wanted, is] = [expected, found].map((value) => JSON.stringify(value) ?? 'nothing');
  yield `${path}: expected ${wanted}, found ${is}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** Objects, and lists of them; a list of words is one value. */
function hasFields(value: unknown): value is Fields {
  return Array.isArray(value) ? value.some(hasFields) : typeof value === 'object' && value !== null;
}

/** A code of rejects may be called `constructor`. */
function ownField(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** Whether what was read is all that run and generations say there is. */
export function compareExtent(
  { faces, subjects }: RunShards,
  { checked }: Tally,
  problems: ProblemLog,
): void {
  const compare = (name: string, expected: number, found: number) => {
    if (found !== expected)
      problems.add('totals', RUN_KEY, `the corpus has ${expected} ${name}, found ${found}`);
  };
  compare('faces', faces, checked.faces);
  compare('people', subjects, checked.subjects);
}
