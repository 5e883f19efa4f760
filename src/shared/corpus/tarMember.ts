/**
 * A photograph in a tar, with the header before it: whether there is still the member that was listed. An archive that
 * was replaced would give bytes from the middle of other photographs, or a photograph of somebody else.
 */
import type { FaceRecord } from '../face.ts';
import { type ImageLocation, type ReadOutcome, rejected } from './corpusSource.ts';
import { BLOCK, parseTarBlock } from './tarHeader.ts';

type Member = Pick<FaceRecord, 'uri' | 'offset' | 'bytes'>;

/** Where header and photograph lie. */
export function memberLocation({ uri, offset = 0, bytes }: Member): ImageLocation {
  // Nothing lies before the first header; a listing that says so is caught by what is read.
  const header = Math.min(BLOCK, offset);
  return { uri, offset: offset - header, bytes: bytes + header };
}

/** Takes the photograph out of the bytes of its `memberLocation`, in an ArrayBuffer of its own. */
export function imageInMember(read: ReadOutcome, { uri, offset = 0, bytes }: Member): ReadOutcome {
  if (read.status === 'rejected') return read;
  const expected = `expected the header of a member of ${bytes} bytes, as listed`;
  const another = (found: string) =>
    rejected('another-member', `${expected}, found ${found} [file=${uri}, offset=${offset - BLOCK}]`);
  if (offset < BLOCK) return another('no room for one');
  const block = parseTarBlock(read.bytes.subarray(0, BLOCK));
  if (block.kind !== 'header') return another('something else');
  const { size, type } = block.header;
  if (type !== '0' && type !== '7') return another(`one of type ${JSON.stringify(type)}`);
  if (size !== bytes) return another(`one of ${size} bytes`);
  return { status: 'ok', bytes: read.bytes.slice(BLOCK) };
}
