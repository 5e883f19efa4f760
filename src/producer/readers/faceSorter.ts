/** Sorts faces on disk: DuckDB in a temporary folder, with a fixed amount of memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { FaceRecord } from '../../shared/face.ts';

/** What DuckDB may hold; the rest of a sort goes to its temporary folder. */
const MEMORY_LIMIT = '96MB';

export interface FaceSorter {
  /** `line`: where the face was found, for messages. */
  add(face: FaceRecord, line: number): void;
  /** A face id that was added twice, the one whose second place comes first; after the last `add`. */
  duplicate(): Promise<{ faceId: string; first: number; again: number } | undefined>;
  /** The faces in the order of `compareFaces`; after the last `add`. */
  faces(signal?: AbortSignal): AsyncIterable<FaceRecord>;
  /** Removes the temporary folder. */
  close(): Promise<void>;
}

/** Opens a sorter. Its temporary folder lies in `TMPDIR` and takes about twice the size of the list. */
export async function openFaceSorter(): Promise<FaceSorter> {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-sort-'));
  const removeFolder = () => rm(folder, { recursive: true, force: true });
  try {
    const database = await DuckDBInstance.create(join(folder, 'faces.duckdb'), {
      memory_limit: MEMORY_LIMIT,
      threads: '1',
      temp_directory: join(folder, 'spill'),
      preserve_insertion_order: 'false',
    });
    const connection = await database.connect();
    await connection.run(
      'CREATE TABLE faces (face_id VARCHAR, subject_id VARCHAR, uri VARCHAR, bytes DOUBLE, line DOUBLE)',
    );
    const appender = await connection.createAppender('faces');
    let appending = true;
    const endAppending = (): void => {
      if (appending) appender.closeSync();
      appending = false;
    };
    return {
      add(face, line) {
        appender.appendVarchar(face.faceId);
        appender.appendVarchar(face.subjectId);
        appender.appendVarchar(face.uri);
        appender.appendDouble(face.bytes);
        appender.appendDouble(line);
        appender.endRow();
      },
      async duplicate() {
        endAppending();
        const result = await connection.runAndReadAll(
          `SELECT face_id, min(line) AS first, min(line) FILTER (line > earliest) AS again
             FROM (SELECT face_id, line, min(line) OVER (PARTITION BY face_id) AS earliest FROM faces
                   WHERE hash(face_id) IN (SELECT hash(face_id) FROM faces GROUP BY 1 HAVING count(*) > 1))
            GROUP BY face_id HAVING count(*) > 1 ORDER BY again LIMIT 1`,
        );
        const [row] = result.getRows();
        return row && { faceId: String(row[0]), first: Number(row[1]), again: Number(row[2]) };
      },
      async *faces(signal) {
        endAppending();
        // VARCHAR compares by its UTF-8 bytes.
        const result = await connection.stream(
          'SELECT face_id, subject_id, uri, bytes FROM faces ORDER BY subject_id, face_id',
        );
        for await (const rows of result.yieldRows()) {
          signal?.throwIfAborted();
          for (const [faceId, subjectId, uri, bytes] of rows) {
            yield {
              faceId: faceId as string,
              subjectId: subjectId as string,
              uri: uri as string,
              bytes: bytes as number,
            };
          }
        }
      },
      async close() {
        endAppending();
        connection.closeSync();
        database.closeSync();
        await removeFolder();
      },
    };
  } catch (error) {
    await removeFolder();
    throw error;
  }
}
