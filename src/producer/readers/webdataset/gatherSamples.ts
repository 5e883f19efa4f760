/** Photographs and labels of an archive put together into samples, in whatever order their members come. */
import { compareUtf8 } from '../../../shared/listingOrder.ts';
import type { ExternalSorter } from '../externalSort.ts';

export interface ImageMember {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A member whose sample was not complete where it lay. `order`: its offset. */
export interface Loose {
  readonly key: string;
  readonly order: number;
  readonly image?: ImageMember;
  /** null: there is a label, but it names nobody. */
  readonly subjectId?: string | null;
}

export interface Gathering {
  readonly emit: (image: ImageMember, subjectId: string) => Promise<void>;
  readonly passOver: (reason: string, name: string) => void;
  readonly noPerson: string;
  /** Keeps members whose sample was not complete where they lay; sorts by `compareLoose`. */
  readonly loose: ExternalSorter<Loose>;
}

/** A sample as far as it has been seen. */
interface Sample {
  readonly key: string;
  readonly order: number;
  images: ImageMember[];
  subjectId: string | null | undefined;
  /** Some of its images are among the loose members already. */
  spilled: boolean;
}

/** Images of one sample that are held; a real sample has a few. */
const MAX_IMAGES = 1_000;

/** Of equal keys the labels first, so that images can go on as they come. */
export function compareLoose(a: Loose, b: Loose): number {
  const kind = Number(a.image !== undefined) - Number(b.image !== undefined);
  return compareUtf8(a.key, b.key) || kind || a.order - b.order;
}

/** Puts images and labels of equal keys together: side by side as they come, else sorted when the archive has ended. */
export function gatherSamples({ emit, passOver, noPerson, loose }: Gathering) {
  let sample: Sample | undefined;

  const spill = async (from: Sample): Promise<void> => {
    for (const image of from.images) await loose.add({ key: from.key, order: image.offset, image });
    from.images = [];
    from.spilled = true;
  };
  const end = async (): Promise<void> => {
    if (sample === undefined) return;
    const ended = sample;
    sample = undefined;
    const { key, images, subjectId, order } = ended;
    if (images.length > 0 && typeof subjectId === 'string' && !ended.spilled) {
      for (const image of images) await emit(image, subjectId);
      return;
    }
    if (subjectId !== undefined) await loose.add({ key, order, subjectId });
    await spill(ended);
  };
  const sampleOf = async (key: string, order: number): Promise<Sample> => {
    if (sample?.key !== key) {
      await end();
      sample = { key, order, images: [], subjectId: undefined, spilled: false };
    }
    return sample!;
  };

  return {
    async image(key: string, image: ImageMember): Promise<void> {
      const at = await sampleOf(key, image.offset);
      at.images.push(image);
      if (at.images.length >= MAX_IMAGES) await spill(at);
    },
    /** Of two labels the first counts. */
    async label(key: string, order: number, subjectId: string | null): Promise<void> {
      const at = await sampleOf(key, order);
      if (at.subjectId === undefined) at.subjectId = subjectId;
      else passOver('a second label of a sample', key);
    },
    /** How many samples were put together by their names. */
    async finish(): Promise<number> {
      await end();
      let scattered = 0;
      let group: { key: string; subjectId: string | null | undefined; images: number } | undefined;
      const endGroup = (): void => {
        if (group === undefined) return;
        if (group.images === 0) passOver('a label without an image', group.key);
        else if (typeof group.subjectId === 'string') scattered++;
      };
      for await (const { key, image, subjectId } of loose.sorted()) {
        if (group?.key !== key) {
          endGroup();
          group = { key, subjectId: undefined, images: 0 };
        }
        if (image === undefined) {
          group.subjectId ??= subjectId;
          continue;
        }
        group.images++;
        if (typeof group.subjectId === 'string') await emit(image, group.subjectId);
        else passOver(noPerson, image.name);
      }
      endGroup();
      return scattered;
    },
  };
}
