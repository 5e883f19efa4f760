/**
 * What the workers will read of tables with images in them. A shard reads each row group (or record batch) that it
 * needs once, but all of it where its pages cannot be read alone: where the rows of a person lie apart, that is the
 * same row group again for every shard.
 */
import { pieceOf, type TablePiece } from '../../shared/corpus/sourceTable.ts';
import type { FaceRecord } from '../../shared/face.ts';

/** Times their own size that tables may be read before somebody should know. */
const WORTH_A_NOTE = 3;

export interface ReadEstimate {
  /** A piece whose image column takes `bytes` in the file and is read as a whole. */
  addPiece(uri: string, piece: TablePiece, bytes: number): void;
  /** Faces in the order of the listing. */
  addFace(face: FaceRecord): void;
  /** A line for a person; undefined: nothing to say. */
  note(): string | undefined;
}

interface WholePiece extends TablePiece {
  readonly bytes: number;
}

/** Shards are taken to have `shardFaces` faces. */
export function createReadEstimate(shardFaces: number): ReadEstimate {
  const pieces = new Map<string, WholePiece[]>();
  let shard = new Set<WholePiece>();
  let faces = 0;
  let size = 0;
  let read = 0;
  return {
    addPiece(uri, piece, bytes) {
      const known = pieces.get(uri) ?? [];
      known.push({ ...piece, bytes });
      pieces.set(uri, known);
      size += bytes;
    },
    addFace({ uri, row }) {
      if (faces++ % shardFaces === 0) shard = new Set();
      const piece =
        row === undefined ? undefined : (pieceOf(pieces.get(uri) ?? [], row) as WholePiece | undefined);
      if (piece === undefined || shard.has(piece)) return;
      shard.add(piece);
      read += piece.bytes;
    },
    note() {
      if (read <= WORTH_A_NOTE * size) return undefined;
      const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`;
      return (
        `tables: the rows of a person lie apart, so that shards will read ${gigabytes(read)} of tables of ` +
        `${gigabytes(size)}; sorted by person, or with a page index, they are read about once`
      );
    },
  };
}
