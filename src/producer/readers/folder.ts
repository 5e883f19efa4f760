/**
 * A corpus as a folder per person: `<corpus>/<subject>/…/<image>`. Only the names of the subjects and the files of
 * a few subjects are held at a time.
 */
import type { Dirent } from 'node:fs';
import { opendir, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { mapInOrder } from '../../shared/async/mapInOrder.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { compareUtf8 } from '../../shared/listing/listingOrder.ts';
import { isForbidden, notReadable } from '../../shared/store/systemErrors.ts';
import type { CorpusReader } from './corpusReader.ts';
import { createIgnoredEntries, type IgnoredEntries } from './ignored.ts';
import { isImageName } from './imageName.ts';

/** Subjects looked into at the same time: nearly all of it is waiting for the file system. */
const SUBJECTS_AT_ONCE = 16;

/** Sizes asked of the file system at the same time, for one subject. */
const STAT_BATCH = 64;

export interface FolderOptions {
  /**
   * Go where links lead. Default: a file behind a link that leaves the corpus is listed all the same, so that it
   * becomes a reject with its reason; a folder behind one is not looked into.
   */
  readonly followLinks?: boolean;
}

/** Opens a folder corpus. `root` absolute. */
export async function openFolderCorpus(
  root: string,
  { followLinks = false }: FolderOptions = {},
): Promise<CorpusReader> {
  const realRoot = await realFolder(root);
  const ignored = createIgnoredEntries();
  return { ignored, faces: (signal) => walkSubjects({ root, realRoot, followLinks, ignored, signal }) };
}

interface Walk {
  readonly root: string;
  readonly realRoot: string;
  readonly followLinks: boolean;
  readonly ignored: IgnoredEntries;
  readonly signal: AbortSignal | undefined;
}

/** An entry that is neither hidden nor a dead or escaping link, as what it leads to. */
interface Entry {
  /** Relative to the root, '/'-separated. */
  readonly path: string;
  readonly kind: 'file' | 'folder';
  /** Set for a folder: where it really is, to stop links that lead in circles. */
  readonly real: string;
  /** Set for a file behind a link that leaves the corpus: nothing more is asked about it. */
  readonly outside?: true;
}

async function* walkSubjects(walk: Walk): AsyncGenerator<FaceRecord> {
  const people = mapInOrder(subjectsOf(walk), SUBJECTS_AT_ONCE, async (subject) => {
    // Its own, so that what is said of a corpus does not depend on which subject was looked into first.
    const ignored = createIgnoredEntries();
    return { ignored, faces: await facesOf({ ...walk, ignored }, subject) };
  });
  for await (const { faces, ignored } of people) {
    walk.signal?.throwIfAborted();
    walk.ignored.addAll(ignored);
    yield* faces;
  }
}

interface Subject {
  readonly subjectId: string;
  /** Where its folder really is. */
  readonly real: string;
}

/** The folders right below the root, in byte order of their names; in memory, names and what is linked. */
async function* subjectsOf(walk: Walk): AsyncGenerator<Subject> {
  const subjects: string[] = [];
  const linked = new Map<string, string>();
  try {
    for await (const found of await opendir(walk.root, { bufferSize: 256 })) {
      walk.signal?.throwIfAborted();
      const entry = await usableEntry(walk, found, '', walk.realRoot);
      if (entry?.kind === 'folder') {
        subjects.push(entry.path);
        if (found.isSymbolicLink()) linked.set(entry.path, entry.real);
      } else if (entry !== undefined) walk.ignored.add('not in the folder of a person', entry.path);
    }
  } catch (error) {
    walk.ignored.add(unreadable(error), '');
  }
  for (const subjectId of subjects.sort(compareUtf8)) {
    yield { subjectId, real: linked.get(subjectId) ?? join(walk.realRoot, subjectId) };
  }
}

/** A subject's images with their sizes, in byte order of their paths. */
async function facesOf(walk: Walk, subject: Subject): Promise<FaceRecord[]> {
  const { subjectId } = subject;
  const files = await imagesOf(walk, subject);
  // Whether there is one in it is not known.
  if (files === undefined) return [];
  if (files.length === 0) walk.ignored.add('a person without an image', subjectId);
  const faces: FaceRecord[] = [];
  for (let start = 0; start < files.length; start += STAT_BATCH) {
    walk.signal?.throwIfAborted();
    const batch = files.slice(start, start + STAT_BATCH);
    const found = await Promise.all(
      batch.map(({ path, outside }) =>
        outside ? { size: 0 } : orIgnored(walk, path, () => stat(join(walk.root, path))),
      ),
    );
    for (const [i, { path }] of batch.entries()) {
      const info = found[i];
      if (info !== undefined) faces.push({ faceId: path, subjectId, uri: path, bytes: info.size });
    }
  }
  return faces;
}

/** Undefined: the person's folder cannot be read. */
async function imagesOf(walk: Walk, { subjectId, real: top }: Subject): Promise<Entry[] | undefined> {
  const images: Entry[] = [];
  /** Real paths of the folders so far. */
  const listed = new Set<string>();
  // Real paths of the folders from the subject down to `folder`. False: it cannot be read.
  const visit = async (folder: string, above: readonly string[]): Promise<boolean> => {
    const real = above.at(-1) ?? walk.realRoot;
    listed.add(real);
    const folders: Entry[] = [];
    const entries = await entriesOf(walk, folder, real);
    for (const entry of entries ?? []) {
      if (entry.kind === 'folder') folders.push(entry);
      else if (isImageName(entry.path)) images.push(entry);
      else walk.ignored.add('not an image by its extension', entry.path);
    }
    for (const child of folders.sort((a, b) => compareUtf8(a.path, b.path))) {
      if (above.includes(child.real) || holdsCorpus(walk, child.real))
        walk.ignored.add('link to a folder above it', child.path);
      // Once a person: fifteen folders that link to one another have more ways through them than a night has seconds.
      else if (listed.has(child.real))
        walk.ignored.add('link to a folder that is listed already', child.path);
      else await visit(child.path, [...above, child.real]);
    }
    return entries !== undefined;
  };
  if (!(await visit(subjectId, [top]))) return undefined;
  return images.sort((a, b) => compareUtf8(a.path, b.path));
}

/** The corpus itself, or a folder that it lies in: all people would be one person. */
function holdsCorpus({ realRoot }: Walk, real: string): boolean {
  return realRoot === real || realRoot.startsWith(real.endsWith(sep) ? real : real + sep);
}

/** What a folder holds; undefined: it cannot be read. What cannot be used is counted as ignored. */
async function entriesOf(walk: Walk, folder: string, real: string): Promise<Entry[] | undefined> {
  walk.signal?.throwIfAborted();
  const entries: Entry[] = [];
  const all = await orIgnored(walk, folder, () => readdir(join(walk.root, folder), { withFileTypes: true }));
  if (all === undefined) return undefined;
  for (const found of all) {
    const entry = await usableEntry(walk, found, folder, real);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** An entry of a folder; undefined (and counted) when it cannot be used. */
async function usableEntry(
  walk: Walk,
  found: Dirent,
  folder: string,
  real: string,
): Promise<Entry | undefined> {
  const path = folder === '' ? found.name : `${folder}/${found.name}`;
  const entry =
    unusableName(found.name) ??
    (found.isSymbolicLink() ? await follow(walk, path) : plainEntry(found, path, real));
  if (typeof entry !== 'string') return entry;
  walk.ignored.add(entry, path);
  return undefined;
}

function unusableName(name: string): string | undefined {
  if (name.startsWith('.')) return 'hidden';
  return name.includes('\uFFFD') ? 'name is not valid UTF-8' : undefined;
}

function plainEntry(found: Dirent, path: string, realFolderPath: string): Entry | string {
  if (found.isFile()) return { path, kind: 'file', real: '' };
  if (found.isDirectory()) return { path, kind: 'folder', real: join(realFolderPath, found.name) };
  return 'neither a file nor a folder';
}

const LEAVES_CORPUS = 'link out of the corpus (--follow-links goes there)';

/** Where a symbolic link leads, or why it is not followed. */
async function follow(walk: Walk, path: string): Promise<Entry | string> {
  try {
    const real = await realpath(join(walk.root, path));
    const inside = real === walk.realRoot || real.startsWith(walk.realRoot + sep);
    if (!inside && !walk.followLinks) {
      const isImage = isImageName(path);
      return isImage ? { path, kind: 'file', real: '', outside: true } : LEAVES_CORPUS;
    }
    const target = await stat(real);
    if (target.isFile()) return { path, kind: 'file', real: '' };
    if (target.isDirectory()) return { path, kind: 'folder', real };
    return 'neither a file nor a folder';
  } catch (error) {
    return `link: ${unreadable(error)}`;
  }
}

/** What `look` finds; undefined (and counted) when the entry vanished or may not be looked at. */
async function orIgnored<T>(walk: Walk, path: string, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    walk.ignored.add(unreadable(error), path);
    return undefined;
  }
}

async function realFolder(root: string): Promise<string> {
  try {
    const real = await realpath(root);
    if ((await stat(real)).isDirectory()) {
      await (await opendir(real)).close();
      return real;
    }
  } catch (error) {
    if (isForbidden(error)) notReadable('corpus', root)(error);
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError('no-corpus', 'corpus: expected a folder that can be read', { path: root, code });
  }
  throw new ConfigError('no-corpus', 'corpus: expected a folder, found something else', { path: root });
}

/** What is wrong with one entry, as against the disk or the mount (EIO, ESTALE), which end the listing. */
const UNREADABLE = new Set(['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG']);

/** The reason for ignoring one entry; rethrows what is not about that entry alone. */
function unreadable(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !UNREADABLE.has(code)) throw error;
  return `cannot be read (${code})`;
}
