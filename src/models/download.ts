/** Downloads one file over HTTP(S) into a file, and recognises what is not a file at all. */
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { IntegrityError, PosecastError } from '../shared/errors.ts';

/** A host that does not answer within this many milliseconds is unreachable. */
const CONNECT_TIMEOUT_MS = 5_000;
/** Headers, and every next piece of the body, must come within this many milliseconds. */
const STALL_TIMEOUT_MS = 60_000;

/** Thrown when a file cannot be had: unreachable host, 404, no such package. Trying again may help. */
export class DownloadError extends PosecastError {}

/** Throws DownloadError when nobody accepts connections at the URL's host and port within the time. */
export async function assertReachable(url: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const target = {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
  };
  // Node 20 has no proxy support of its own; npm sources go through npm, which has.
  const hint =
    process.env.HTTPS_PROXY || process.env.https_proxy
      ? 'HTTPS_PROXY is not used here: fetch the file yourself and pull with --from'
      : undefined;
  await new Promise<void>((resolve, reject) => {
    const socket = connect(target);
    const finish = (cause?: unknown): void => {
      socket.destroy();
      clearTimeout(timer);
      if (cause === undefined) resolve();
      else
        reject(
          new DownloadError(
            'unreachable',
            `cannot reach the host within ${CONNECT_TIMEOUT_MS / 1_000} s`,
            { url, hint },
            cause,
          ),
        );
    };
    const timer = setTimeout(() => finish(new Error('no answer')), CONNECT_TIMEOUT_MS);
    socket.once('connect', () => finish());
    socket.once('error', finish);
  });
}

/**
 * Downloads `url` to `path`. Throws DownloadError (unreachable, HTTP status, stalled) or IntegrityError (cut
 * short, an HTML page). `onBytes` hears how many bytes there are and, where the server says, how many there will be.
 */
export async function downloadFile(
  url: string,
  path: string,
  onBytes: (done: number, total: number | undefined) => void = () => {},
): Promise<void> {
  await assertReachable(url);
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), STALL_TIMEOUT_MS);
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), STALL_TIMEOUT_MS);
  };
  let done = 0;
  let total: number | undefined;
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null) {
      throw new DownloadError('http-status', `expected the file, found HTTP ${response.status}`, { url });
    }
    if (url.startsWith('https:') && !response.url.startsWith('https:')) {
      throw new DownloadError('insecure-redirect', 'server redirects to an unencrypted address', { url });
    }
    const length = response.headers.get('content-length');
    if (length !== null && response.headers.get('content-encoding') === null) total = Number(length);
    const body = Readable.fromWeb(response.body);
    body.on('data', (chunk: Uint8Array) => {
      alive();
      done += chunk.length;
      onBytes(done, total);
    });
    await pipeline(body, createWriteStream(path));
  } catch (error) {
    if (error instanceof PosecastError) throw error;
    if (total !== undefined && done < total && !abort.signal.aborted) {
      throw truncated(url, total, done, error);
    }
    const message = abort.signal.aborted
      ? `server stopped sending for ${STALL_TIMEOUT_MS / 1_000} s`
      : 'download failed';
    throw new DownloadError('download-failed', message, { url, bytes: done }, error);
  } finally {
    clearTimeout(timer);
  }
  if (total !== undefined && done !== total) throw truncated(url, total, done);
  await refuseHtml(path, url);
}

function truncated(url: string, expected: number, found: number, cause?: unknown): IntegrityError {
  return new IntegrityError(
    'truncated',
    `file is cut short: expected ${expected} bytes, found ${found}`,
    { url },
    cause,
  );
}

/** Throws IntegrityError when a file is a web page: a login, a "please wait", a moved download. */
export async function refuseHtml(path: string, where: string): Promise<void> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
    const start = buffer.subarray(0, bytesRead).toString('latin1').replace(/^\s+/, '').toLowerCase();
    if (/^(ï»¿)?(<!doctype html|<html|<head|<!--)/.test(start)) {
      throw new IntegrityError('html-page', 'expected a model, found what looks like an HTML page', {
        source: where,
      });
    }
  } finally {
    await file.close();
  }
}
