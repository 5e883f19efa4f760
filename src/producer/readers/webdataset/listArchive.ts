/** One tar archive → its photographs with their people. Memory: one sample. */
import { extname } from 'node:path';
import type { SourceFile } from '../../../shared/corpus/corpusSource.ts';
import type { FaceRecord } from '../../../shared/face.ts';
import { compareUtf8 } from '../../../shared/listingOrder.ts';
import { openExternalSorter } from '../externalSort.ts';
import { IMAGE_EXTENSIONS } from '../folder.ts';
import { type ForwardReader, openForwardReader } from '../forwardReader.ts';
import type { IgnoredEntries } from '../ignored.ts';
import { type TarDamage, type TarMember, tarMembers } from '../tar/tarMembers.ts';
import { compareLoose, gatherSamples, type ImageMember, type Loose } from './gatherSamples.ts';
import { sampleName } from './sampleKey.ts';
import type { MemberRule, SubjectRule } from './subjectRule.ts';

/** Of a member that holds a label. */
const MAX_LABEL_BYTES = 2 ** 20;
/** Of one archive in memory, of several that are listed at once. */
const CHUNK_ITEMS = 10_000;
/** Characters of a person's name. */
const MAX_SUBJECT = 1_000;

export interface ArchiveListing {
  readonly file: SourceFile;
  readonly rule: SubjectRule;
  readonly ignored: IgnoredEntries;
  readonly signal: AbortSignal;
  /** Takes a photograph; a promise that comes back is awaited before the next. */
  readonly emit: (face: FaceRecord) => Promise<void> | undefined;
}

export interface ListedArchive {
  /** What is wrong with the archive; what lies before, or beside it, was emitted. In the order of the offsets. */
  readonly damages: readonly TarDamage[];
  /** Photographs that were emitted although the archive holds their name before already. */
  readonly repeats: readonly RepeatedMember[];
  /** Samples whose members do not lie side by side, so that they were put together by their names. */
  readonly scattered: number;
}

export interface RepeatedMember {
  readonly name: string;
  readonly offset: number;
  /** Of the member that had the name before. */
  readonly first: number;
}

/** Damage is returned and not thrown: what to do about it is for who knows all archives. */
export async function listArchive(listing: ArchiveListing): Promise<ListedArchive> {
  const { file, rule, ignored, signal } = listing;
  const reader = openForwardReader(file, signal);
  const damages: TarDamage[] = [];
  const ids = openExternalSorter<readonly [name: string, offset: number]>(
    (a, b) => compareUtf8(a[0], b[0]) || a[1] - b[1],
    { chunkItems: CHUNK_ITEMS },
  );
  const loose = openExternalSorter<Loose>(compareLoose, { chunkItems: CHUNK_ITEMS });
  const shown = (name: string) => `${file.uri}/${name}`;
  const emit = async (image: ImageMember, subjectId: string): Promise<void> => {
    const { name, offset, bytes } = image;
    const face = { faceId: shown(name), subjectId, uri: file.uri, bytes, offset };
    const writing = [listing.emit(face), ids.add([name, offset])];
    if (writing.some((write) => write !== undefined)) await Promise.all(writing);
  };
  const noPerson =
    rule.from === 'name' ? 'its name names no person' : `no .${rule.extension} member that names a person`;
  const gather = gatherSamples({
    emit,
    passOver: (reason, name) => ignored.add(reason, shown(name)),
    noPerson,
    loose,
  });
  try {
    for await (const entry of tarMembers(reader)) {
      signal.throwIfAborted();
      if (entry.kind === 'damage') {
        damages.push(entry.damage);
        break;
      }
      if (entry.kind === 'end') {
        if (entry.bytesAfter > 0) {
          ignored.add('bytes behind the end of an archive', `${file.uri}: ${entry.bytesAfter} bytes`);
        }
        break;
      }
      const { member } = entry;
      if (member.kind === 'folder') continue;
      const found = relevant(member, rule);
      if (typeof found === 'string') {
        ignored.add(found, member.name === undefined ? file.uri : shown(member.name));
      } else if (member.kind !== 'file') {
        damages.push({ offset: member.headerOffset, problem: notStored(member) });
      } else if (found.role === 'label') {
        await gather.label(found.key, member.offset, await readLabel(reader, member, rule as MemberRule));
      } else {
        const image = { name: found.name, offset: member.offset, bytes: member.size };
        if (rule.from === 'member') await gather.image(found.key, image);
        else {
          const subjectId = acceptable(rule.subjectOf(found.key));
          if (subjectId === null) ignored.add(noPerson, shown(found.name));
          else await emit(image, subjectId);
        }
      }
    }
    const scattered = await gather.finish();
    return { damages, scattered, repeats: await repeated(ids.sorted()) };
  } finally {
    await loose.close();
    await ids.close();
  }
}

type Relevant =
  | { readonly role: 'image'; readonly key: string; readonly name: string }
  | { readonly role: 'label'; readonly key: string; readonly name: string };

/** What a member is to us, or why it is passed over. */
function relevant({ name, kind }: TarMember, rule: SubjectRule): Relevant | string {
  if (name === undefined) return 'name is not valid UTF-8';
  if (kind === 'other') return 'neither a file nor a folder';
  const plain = name.replace(/^(?:\.\/)+/, '');
  const found = sampleName(plain);
  if (found === undefined) return 'no sample by its name';
  const { key, extension } = found;
  if (rule.from === 'member' && extension === rule.extension) return { role: 'label', key, name: plain };
  if (IMAGE_EXTENSIONS.has(extname(plain).toLowerCase())) return { role: 'image', key, name: plain };
  return 'not an image by its extension';
}

function notStored({ name, kind, target }: TarMember): string {
  const to = target === undefined ? '' : ` to ${JSON.stringify(target)}`;
  return `expected members stored in the archive, found ${JSON.stringify(name)} as a ${kind}${to}`;
}

/** The person that a label names; null: nobody. */
async function readLabel(reader: ForwardReader, member: TarMember, rule: MemberRule): Promise<string | null> {
  if (member.size > MAX_LABEL_BYTES) return null;
  const text = new TextDecoder().decode(await reader.read(member.offset, member.size));
  return acceptable(rule.subjectOf(text));
}

/** U+FFFD: bytes that are not UTF-8. */
function acceptable(subjectId: string | undefined): string | null {
  if (subjectId === undefined || subjectId.length > MAX_SUBJECT || subjectId.includes('\uFFFD')) return null;
  return subjectId;
}

/** Photographs of equal name: two faces would have one id. */
async function repeated(
  ids: AsyncIterable<readonly [name: string, offset: number]>,
): Promise<RepeatedMember[]> {
  const found: RepeatedMember[] = [];
  let last: readonly [string, number] | undefined;
  for await (const id of ids) {
    const [name, offset] = id;
    if (last?.[0] === name) found.push({ name, offset, first: last[1] });
    else last = id;
  }
  return found;
}
