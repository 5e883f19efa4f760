/**
 * A corpus as WebDataset tars: members of one key are a sample, with a photograph in it and something that names the
 * person. Archives are listed side by side by their headers alone, then sorted by person on disk: memory does not grow
 * with them. Photographs are byte ranges of the archives.
 */
import pLimit from 'p-limit';
import type { CorpusSource } from '../../../shared/corpus/corpusSource.ts';
import { openCorpusSource } from '../../../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../../../shared/errors.ts';
import type { FaceRecord } from '../../../shared/face.ts';
import { compareFaces } from '../../../shared/listing/listingOrder.ts';
import { fileAddress } from '../archiveFile.ts';
import { corpusFileNames } from '../corpusFileNames.ts';
import type { CorpusConfig, CorpusReader, OpenCorpusOptions } from '../corpusReader.ts';
import { type ExternalSorter, openExternalSorter } from '../externalSort.ts';
import { createIgnoredEntries, type IgnoredEntries } from '../ignored.ts';
import { LISTED_EVERY, type OnListed } from '../onListed.ts';
import type { TarDamage } from '../tar/tarMembers.ts';
import { firstSamples } from './firstSamples.ts';
import { type ArchiveListing, type ListedArchive, listArchive } from './listArchive.ts';
import { parseSubjectRule, SUBJECT_RULES, type SubjectRule, suggestSubjectRule } from './subjectRule.ts';

/** Archives being listed at once. */
const ARCHIVES_AT_ONCE = 8;
/** Damages that are kept: of one, a message is made, and of a few, lines. */
const MAX_DAMAGES = 1_000;

/** @throws ConfigError when the root cannot be read or there is no archive. */
export async function openWebdatasetCorpus(
  config: CorpusConfig,
  { s3 }: OpenCorpusOptions,
): Promise<CorpusReader> {
  const source = await openCorpusSource(config.imageRoot, { s3, followLinks: config.followLinks ?? false });
  const ignored = createIgnoredEntries();
  const notes: string[] = [];
  const read: WebdatasetRead = { config, source, ignored, notes };
  return {
    ignored,
    notes,
    faces: (signal = new AbortController().signal, onListed) => sortedFaces(read, signal, onListed),
  };
}

interface WebdatasetRead {
  readonly config: CorpusConfig;
  readonly source: CorpusSource;
  readonly ignored: IgnoredEntries;
  readonly notes: string[];
}

interface ArchiveDamage extends TarDamage {
  readonly archive: string;
}

async function* sortedFaces(
  read: WebdatasetRead,
  signal: AbortSignal,
  onListed: OnListed | undefined,
): AsyncGenerator<FaceRecord> {
  const { config, source, notes } = read;
  const sorter = openExternalSorter<FaceRecord>(compareFaces);
  let met = 0;
  const onImage = (): void => {
    if (++met % LISTED_EVERY === 0) onListed?.({ faces: met });
  };
  try {
    const archives = await corpusFileNames(config, source, signal);
    const rule = await subjectRule(read, archives[0]!, signal);
    const { damages, repeats, scattered } = await listAll(read, archives, { rule, sorter, onImage, signal });
    if (config.readBrokenArchives !== true && damages.length > 0) throw badArchive(read, damages);
    for (const { archive, offset, problem } of damages) {
      read.ignored.add(
        'damage of an archive, and what lies behind it',
        `${archive} at byte ${offset}: ${problem}`,
      );
    }
    if (scattered > 0) {
      notes.push(`unsorted archives: ${scattered} samples were put together from members that lie apart`);
    }
    for await (const face of sorter.sorted()) {
      signal.throwIfAborted();
      if (!repeats.has(place(face.uri, face.offset))) yield face;
    }
  } finally {
    await sorter.close();
    await source.close();
  }
}

/** What names the person: as asked, else as the first archive's first samples suggest. */
async function subjectRule(read: WebdatasetRead, first: string, signal: AbortSignal): Promise<SubjectRule> {
  const { config, source, notes } = read;
  const asked = config.subjectFrom ?? undefined;
  if (asked !== undefined) return parseSubjectRule(asked);
  const file = await source.open(first, signal);
  try {
    const samples = await firstSamples(file, signal);
    const found = suggestSubjectRule(samples);
    if (found !== undefined) {
      notes.push(`people are named by ${found} (--subject-from), as the first samples of ${first} suggest`);
      return parseSubjectRule(found);
    }
    if (samples.damage !== undefined) throw badArchive(read, [{ archive: first, ...samples.damage }]);
    throw new ConfigError(
      'no-subjects',
      `WebDataset: expected samples that name a person, found none; --subject-from says where: ${SUBJECT_RULES}`,
      { archive: first, members: shownExtensions(samples.extensions) },
    );
  } finally {
    await file.close();
  }
}

/** The first few, as in `.jpg .json …`. */
function shownExtensions(extensions: ReadonlySet<string>): string {
  const first = [...extensions].slice(0, 8).map((extension) => `.${extension.slice(0, 20)}`);
  return [...first, ...(extensions.size > first.length ? ['…'] : [])].join(' ');
}

interface ListAll extends Pick<ArchiveListing, 'rule' | 'onImage' | 'signal'> {
  readonly sorter: ExternalSorter<FaceRecord>;
}

/** Every archive into the sorter; damages in the order of the archives. */
async function listAll(
  { source, ignored }: WebdatasetRead,
  archives: readonly string[],
  { sorter, signal, ...listing }: ListAll,
): Promise<{ damages: ArchiveDamage[]; repeats: ReadonlySet<string>; scattered: number }> {
  const limit = pLimit(ARCHIVES_AT_ONCE);
  const oneByOne = pLimit(1);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const list = async (archive: string) => {
    either.throwIfAborted();
    const file = await source.open(archive, either);
    try {
      const emit = (face: FaceRecord) => sorter.add(face);
      return {
        archive,
        ...(await listArchive({ ...listing, file, ignored, oneByOne, signal: either, emit })),
      };
    } finally {
      await file.close();
    }
  };
  const listed = await Promise.allSettled(
    archives.map((archive) =>
      limit(() => list(archive)).catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    ),
  );
  signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  const found = listed.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  return {
    damages: found.flatMap(damagesOf).slice(0, MAX_DAMAGES),
    repeats: new Set(
      found.flatMap(({ archive, repeats }) => repeats.map(({ offset }) => place(archive, offset))),
    ),
    scattered: found.reduce((sum, { scattered }) => sum + scattered, 0),
  };
}

function damagesOf({ archive, damages, repeats }: ListedArchive & { archive: string }): ArchiveDamage[] {
  const twice = repeats.map(({ name, offset, first }) => ({
    offset,
    problem: `expected every member once, found ${JSON.stringify(name)} a second time, first at byte ${first}`,
  }));
  return [...damages, ...twice].map((damage) => ({ archive, ...damage }));
}

/** A photograph by where it lies. */
function place(archive: string, offset: number | undefined): string {
  return `${offset} ${archive}`;
}

function badArchive({ source }: WebdatasetRead, damages: readonly ArchiveDamage[]): ConfigError {
  const [{ archive, offset, problem } = { archive: '', offset: 0, problem: '' }, ...others] = damages;
  const more = others.length === 0 ? '' : `; ${others.length} more damages`;
  return new ConfigError(
    'bad-archive',
    `WebDataset: ${problem}${more}; --read-broken-archives takes what is intact`,
    { archive: fileAddress(source, archive), offset },
  );
}
