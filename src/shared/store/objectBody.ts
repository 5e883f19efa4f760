import { createHash } from 'node:crypto';

/** What is put into a store: bytes, or pieces of bytes that follow one another and are never copied together. */
export type ObjectBody = Uint8Array | readonly Uint8Array[];

function bodyPieces(body: ObjectBody): readonly Uint8Array[] {
  return body instanceof Uint8Array ? [body] : body;
}

/** Length in bytes. */
export function bodyBytes(body: ObjectBody): number {
  return bodyPieces(body).reduce((sum, piece) => sum + piece.length, 0);
}

/** The pieces, none longer than `bytes`: views, no copies. */
export function* cutBody(body: ObjectBody, bytes: number): Generator<Uint8Array> {
  for (const piece of bodyPieces(body)) {
    for (let at = 0; at < piece.length; at += bytes) yield piece.subarray(at, at + bytes);
  }
}

/** SHA-256 of the bytes, hex. */
export function bodySha256(body: ObjectBody): string {
  const hash = createHash('sha256');
  for (const piece of bodyPieces(body)) hash.update(piece);
  return hash.digest('hex');
}

/** As one array: the body itself, or a copy of its pieces. */
export function wholeBody(body: ObjectBody): Uint8Array {
  const pieces = bodyPieces(body);
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
}
