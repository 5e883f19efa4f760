/** One tar archive → its photographs with their people. Its members are sorted by their samples on disk. */
import type { SourceFile } from '../../../shared/corpus/corpusSource.ts';
import type { FaceRecord } from '../../../shared/face.ts';
import { openExternalSorter } from '../externalSort.ts';
import { type ForwardReader, openForwardReader } from '../forwardReader.ts';
import type { IgnoredEntries } from '../ignored.ts';
import { isImageName } from '../imageName.ts';
import { type TarDamage, type TarMember, tarMembers } from '../tar/tarMembers.ts';
import { compareMembers, type Gathered, gatherSamples, type SampleMember } from './gatherSamples.ts';
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
  /** Hears of every photograph that is met; none is taken before the archive has ended. */
  readonly onImage: () => void;
  /**
   * Lets archives that are listed at once sort one after the other: each takes buffers, and none is the faster for it.
   */
  readonly oneByOne: <T>(sort: () => Promise<T>) => Promise<T>;
  /** Takes a photograph; a promise that comes back is awaited before the next. */
  readonly emit: (face: FaceRecord) => Promise<void> | undefined;
}

export interface ListedArchive extends Gathered {
  /** What is wrong with the archive; what lies before, or beside it, was emitted. In the order of the offsets. */
  readonly damages: readonly TarDamage[];
}

/** Damage is returned and not thrown: what to do about it is for who knows all archives. */
export async function listArchive(listing: ArchiveListing): Promise<ListedArchive> {
  const { file, rule, ignored, signal, onImage, oneByOne } = listing;
  const reader = openForwardReader(file, signal);
  const damages: TarDamage[] = [];
  const members = openExternalSorter<SampleMember>(compareMembers, { chunkItems: CHUNK_ITEMS });
  const shown = (name: string) => `${file.uri}/${name}`;
  const gather = gatherSamples({
    emit({ name, offset, bytes }, subjectId) {
      signal.throwIfAborted();
      return listing.emit({ faceId: shown(name), subjectId, uri: file.uri, bytes, offset });
    },
    passOver: (reason, name) => ignored.add(reason, shown(name)),
    personOf: rule.from === 'name' ? (key) => acceptable(rule.subjectOf(key)) : undefined,
    noPerson:
      rule.from === 'name' ? 'its name names no person' : `no .${rule.extension} member that names a person`,
    members,
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
        onImage();
        await gather.image(found.key, { name: found.name, offset: member.offset, bytes: member.size });
      }
    }
    return { damages, ...(await oneByOne(() => gather.finish())) };
  } finally {
    await members.close();
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
  if (isImageName(plain)) return { role: 'image', key, name: plain };
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

/** U+FFFD: bytes that are not UTF-8. Half a surrogate pair, as JSON may escape it, has no bytes in UTF-8. */
function acceptable(subjectId: string | undefined): string | null {
  if (subjectId === undefined || subjectId.length > MAX_SUBJECT) return null;
  return /[\uFFFD\p{Surrogate}]/u.test(subjectId) ? null : subjectId;
}
