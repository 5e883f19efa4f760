/** A file of the corpus read by range, for readers of archives: what cannot be read ends the listing. */
import type { CorpusSource, SourceFile } from '../../shared/corpus/corpusSource.ts';
import { isS3Uri } from '../../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../../shared/errors.ts';
import { type ForwardReader, openForwardReader } from './forwardReader.ts';

/** Bytes of a file at hand for reading by range. */
export interface ArchiveBytes {
  /** Of the whole file. */
  readonly bytes: number;
  /** Bytes [start, end), all of them; both inside the file. */
  read(start: number, end: number): Promise<Uint8Array>;
}

export interface ArchiveFile extends ArchiveBytes {
  /** As faces name it: relative to the root of the source. */
  readonly uri: string;
  /** For messages. */
  readonly name: string;
  /** Small pieces of it, front to back. */
  forward(): ForwardReader;
}

/** The files that a reader has open. */
export interface ArchiveFiles {
  /** @throws ConfigError when there is no such file, or when it may not be read. */
  open(uri: string): Promise<ArchiveFile>;
  /**
   * Undefined when there is no such file.
   * @throws ConfigError when there is one that may not be read, and where S3 does not say which: to whom may not list.
   */
  find(uri: string): Promise<ArchiveFile | undefined>;
  /** Closes all of them. */
  close(): Promise<void>;
}

export function archiveFiles(
  source: CorpusSource,
  signal: AbortSignal = new AbortController().signal,
): ArchiveFiles {
  const opened: SourceFile[] = [];
  async function open(uri: string): Promise<ArchiveFile> {
    const file = await source.open(uri, signal);
    opened.push(file);
    return {
      uri,
      name: fileAddress(source, uri),
      bytes: file.bytes,
      read: (start, end) => file.read({ start, end }, signal),
      forward: () => openForwardReader(file, signal),
    };
  }
  return {
    open,
    async find(uri) {
      try {
        return await open(uri);
      } catch (error) {
        const code = error instanceof ConfigError ? error.facts.code : undefined;
        if (code === 'missing') return undefined;
        if (code !== 'unreadable' || !isS3Uri(source.root)) throw error;
        throw new ConfigError(
          'no-corpus',
          'corpus: expected to hear whether a file is there, found AccessDenied: s3:ListBucket is needed where it is not, ' +
            's3:GetObject where it is',
          { root: source.root, file: uri },
          error,
        );
      }
    },
    async close() {
      for (const file of opened.splice(0)) await file.close();
    },
  };
}

/** Where a file of the source lies, for messages: its path, or its s3:// address. */
export function fileAddress(source: Pick<CorpusSource, 'root'>, uri: string): string {
  return `${source.root.replace(/\/+$/, '')}/${uri}`;
}
