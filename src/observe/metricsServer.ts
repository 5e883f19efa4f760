/** Answers Prometheus, and probes, over HTTP. It only reads what is in memory: no request to Redis or the store. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError, describeError } from '../shared/errors.ts';

export interface MetricsServer {
  /** http://host:port */
  readonly url: string;
  /** Ends open connections, too. */
  close(): Promise<void>;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** By which they were asked for. */
  readonly options: { readonly host: string; readonly port: string };
}

export interface Page {
  readonly type: string;
  readonly text: () => string | Promise<string>;
}

export const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

/** A scrape is a few hundred bytes: what takes longer to arrive is not Prometheus. */
const REQUEST_MS = 10_000;

/**
 * `/healthz` answers whenever the process does; the other pages are given.
 * @throws ConfigError when the address cannot be listened on.
 */
export async function openMetricsServer(
  address: ListenAddress,
  pages: Readonly<Record<string, Page>>,
): Promise<MetricsServer> {
  const all: Readonly<Record<string, Page>> = {
    '/healthz': { type: 'text/plain', text: () => 'ok\n' },
    ...pages,
  };
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      const path = request.url?.split('?', 1)[0] ?? '';
      const page = Object.hasOwn(all, path) ? all[path] : undefined;
      if (page === undefined) return answer(response, 404, `expected ${Object.keys(all).join(' or ')}\n`);
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return answer(response.setHeader('allow', 'GET, HEAD'), 405, 'expected GET\n');
      }
      void Promise.resolve()
        .then(page.text)
        .then((text) => answer(response, 200, text, page.type))
        .catch((error: unknown) => answer(response, 500, `${describeError(error)}\n`));
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    throw refusal(address, error);
  });
  // A connection that breaks is its client's affair.
  server.on('clientError', (_error, socket) => socket.destroy());
  const { address: host, family, port } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}

function refusal({ host, port, options }: ListenAddress, error: NodeJS.ErrnoException): ConfigError {
  const ofPort = { EADDRINUSE: 'one in use', EACCES: 'one that needs other rights' }[error.code ?? ''];
  const ofHost = { EADDRNOTAVAIL: 'one of another machine', ENOTFOUND: 'a name that nobody knows' }[
    error.code ?? ''
  ];
  const message =
    ofPort !== undefined
      ? `${options.port}: expected a port that is free, found ${ofPort}`
      : ofHost !== undefined
        ? `${options.host}: expected an address of this machine, found ${ofHost}`
        : `metrics: cannot listen: ${describeError(error)}`;
  return new ConfigError('no-metrics-port', message, { host, port });
}
