/**
 * Photographs and labels of an archive put together into samples by their names, in whatever order their members come.
 */
import { compareUtf8 } from '../../../shared/listing/listingOrder.ts';
import type { ExternalSorter } from '../externalSort.ts';

export interface ImageMember {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A member of a sample: a photograph or a label. */
export type SampleMember = {
  readonly key: string;
  /** Members of a sample that lie side by side have the same. */
  readonly place: number;
  readonly offset: number;
} & (
  | { readonly role: 'image'; readonly name: string; readonly bytes: number }
  /** null: there is a label, but it names nobody. */
  | { readonly role: 'label'; readonly subjectId: string | null }
);

export interface Gathering {
  readonly emit: (image: ImageMember, subjectId: string) => Promise<void> | undefined;
  readonly passOver: (reason: string, name: string) => void;
  /** The person whom the key itself names; null: nobody. Undefined: members name people. */
  readonly personOf?: ((key: string) => string | null) | undefined;
  readonly noPerson: string;
  /** Sorts by `compareMembers`. */
  readonly members: ExternalSorter<SampleMember>;
}

export interface Gathered {
  /** Samples whose members do not lie side by side, so that they were put together by their names. */
  readonly scattered: number;
  /** Photographs that were emitted although the archive holds their name before already. */
  readonly repeats: readonly RepeatedMember[];
}

export interface RepeatedMember {
  readonly name: string;
  readonly offset: number;
  /** Of the member that had the name before. */
  readonly first: number;
}

/** Of a sample the labels first, so that images can go on as they come; of images equal names side by side. */
export function compareMembers(a: SampleMember, b: SampleMember): number {
  const role = Number(a.role === 'image') - Number(b.role === 'image');
  return compareUtf8(a.key, b.key) || role || compareUtf8(imageName(a), imageName(b)) || a.offset - b.offset;
}

function imageName(member: SampleMember): string {
  return member.role === 'image' ? member.name : '';
}

/**
 * Puts images and labels of equal keys together when the archive has ended: whether a sample is complete is not known
 * before, as its members may lie anywhere.
 */
export function gatherSamples({ emit, passOver, personOf, noPerson, members }: Gathering) {
  let place = 0;
  let lastKey: string | undefined;
  const placeOf = (key: string): number => {
    if (key !== lastKey) place++;
    lastKey = key;
    return place;
  };

  return {
    image(key: string, { name, offset, bytes }: ImageMember): Promise<void> | undefined {
      return members.add({ role: 'image', key, place: placeOf(key), offset, name, bytes });
    },
    label(key: string, offset: number, subjectId: string | null): Promise<void> | undefined {
      return members.add({ role: 'label', key, place: placeOf(key), offset, subjectId });
    },
    async finish(): Promise<Gathered> {
      const repeats: RepeatedMember[] = [];
      let scattered = 0;
      let sample: Sample | undefined;
      const end = (): void => {
        if (sample === undefined) return;
        if (sample.image === undefined) passOver('a label without an image', sample.key);
        else if (personOf === undefined && typeof sample.subjectId === 'string' && sample.apart) scattered++;
      };
      for await (const member of members.sorted()) {
        const { key, place, offset } = member;
        if (sample?.key !== key) {
          end();
          sample = {
            key,
            place,
            subjectId: personOf?.(key),
            labelled: false,
            apart: false,
            image: undefined,
          };
        }
        if (place !== sample.place) sample.apart = true;
        if (member.role === 'label') {
          if (sample.labelled) passOver('a further label of a sample', key);
          sample.labelled = true;
          sample.subjectId ??= member.subjectId;
          continue;
        }
        const { name, bytes } = member;
        const before = sample.image;
        sample.image = before?.name === name ? before : { name, offset };
        if (typeof sample.subjectId !== 'string') {
          passOver(noPerson, name);
          continue;
        }
        if (before?.name === name) repeats.push({ name, offset, first: before.offset });
        await emit({ name, offset, bytes }, sample.subjectId);
      }
      end();
      return { scattered, repeats };
    },
  };
}

/** A sample as far as it has been seen. */
interface Sample {
  readonly key: string;
  /** Of its first member. */
  readonly place: number;
  subjectId: string | null | undefined;
  labelled: boolean;
  apart: boolean;
  /** The first image of the last name. */
  image: Pick<ImageMember, 'name' | 'offset'> | undefined;
}
