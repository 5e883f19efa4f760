/**
 * An HTTP proxy in front of an S3 service, which does to single requests what networks and services do to
 * them. What it passes on is what it got, Host included, so that signatures stay valid.
 */
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProxiedRequest {
  readonly method: string;
  /** Path with query, such as /bucket/key?uploads. */
  readonly path: string;
}

export type S3Fault =
  /** The request waits before it is passed on. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The request waits for something to happen. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** The service says so itself, and does nothing. */
  | { readonly kind: 'refuse'; readonly status: number; readonly code: string }
  /** The connection breaks before the service hears of the request. */
  | { readonly kind: 'reset' }
  /** The service gets half of the body, then both connections break. */
  | { readonly kind: 'cut-upload' }
  /** The request is carried out, and nobody says so. */
  | { readonly kind: 'lose-answer' }
  /** The answer ends half way: with a reset, or as if it were complete. */
  | { readonly kind: 'cut-answer'; readonly how: 'reset' | 'end' }
  /** The answer takes this long. */
  | { readonly kind: 'drip'; readonly ms: number };

export interface FaultProxy {
  readonly endpoint: string;
  /** Decides what happens to each request; at first nothing happens to any. */
  faultOf: (request: ProxiedRequest) => S3Fault | undefined;
  /** Faults so far, by kind. */
  readonly counts: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export interface FaultProxyOptions {
  /** Refuses requests that are dated a quarter of an hour wrong, for a service that does not look. */
  readonly looksAtClock?: boolean;
  /** Address to listen on; default: loopback. */
  readonly host?: string;
}

/** As AWS and Ceph. */
const MOST_SKEW_MS = 15 * 60_000;

/** @param target URL of the service, without a path. */
export async function startFaultProxy(target: string, options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const { host = '127.0.0.1' } = options;
  const agent = new http.Agent({ keepAlive: true });
  const counts: Record<string, number> = {};
  const count = (kind: string) => {
    counts[kind] = (counts[kind] ?? 0) + 1;
  };
  const server = http.createServer((request, response) => {
    // The client or the service is gone: the other one gets to see that.
    answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    if (options.looksAtClock === true && isSkewed(request)) {
      count('skew');
      return refuse(response, 403, 'RequestTimeTooSkewed');
    }
    const fault = proxy.faultOf({ method: request.method ?? '', path: request.url ?? '' });
    if (fault !== undefined) count(fault.kind);
    switch (fault?.kind) {
      case 'refuse':
        return refuse(response, fault.status, fault.code);
      case 'reset':
        return reset(response);
      case 'cut-upload':
        await sendHalf(request, body);
        return reset(response);
      case 'delay':
        await sleep(fault.ms);
        break;
      case 'hold':
        await fault.until;
    }
    const reply = await forward(request, body);
    switch (fault?.kind) {
      case 'lose-answer':
        return reset(response);
      case 'cut-answer':
        return cut(response, reply, fault.how);
      case 'drip':
        return drip(response, reply, fault.ms);
      default:
        response.writeHead(reply.status, reply.headers).end(reply.body);
    }
  }

  /** The headers as they came: names, order and Host are part of a signature. */
  function passedOn(request: IncomingMessage): http.RequestOptions {
    const headers: string[] = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      const [name = '', value = ''] = request.rawHeaders.slice(i, i + 2);
      // About this connection, not about the request.
      if (!/^(connection|expect)$/i.test(name)) headers.push(name, value);
    }
    const { method, url: path } = request;
    return {
      host: hostname,
      port,
      method,
      path,
      agent,
      headers: headers as unknown as OutgoingHttpHeaders,
      setHost: false,
    };
  }

  function forward(request: IncomingMessage, body: Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const forwarded = http.request(passedOn(request));
      forwarded.on('error', reject);
      forwarded.on('response', (reply) => {
        readAll(reply).then(
          (found) => resolve({ status: reply.statusCode ?? 500, headers: reply.headers, body: found }),
          reject,
        );
      });
      forwarded.end(body);
    });
  }

  function sendHalf(request: IncomingMessage, body: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const forwarded = http.request({ ...passedOn(request), agent: false });
      forwarded.on('error', () => resolve());
      forwarded.on('close', () => resolve());
      forwarded.write(body.subarray(0, body.length / 2), () => forwarded.destroy());
    });
  }

  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const proxy: FaultProxy = {
    endpoint: `http://${host}:${(server.address() as AddressInfo).port}`,
    faultOf: () => undefined,
    counts,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
  return proxy;
}

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>made by the test</Message></Error>`);
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

function cut(response: ServerResponse, reply: Reply, how: 'reset' | 'end'): void {
  if (reply.body.length < 2) {
    reset(response);
    return;
  }
  const { socket } = response;
  response.writeHead(reply.status, { ...reply.headers, 'content-length': reply.body.length });
  response.write(reply.body.subarray(0, reply.body.length / 2), () => {
    if (how === 'reset') socket?.resetAndDestroy();
    else socket?.end();
  });
}

async function drip(response: ServerResponse, reply: Reply, ms: number): Promise<void> {
  const steps = 8;
  response.writeHead(reply.status, reply.headers).flushHeaders();
  for (let step = 0; step < steps; step++) {
    await sleep(ms / steps);
    const from = Math.floor((reply.body.length * step) / steps);
    const to = Math.floor((reply.body.length * (step + 1)) / steps);
    if (to > from) response.write(reply.body.subarray(from, to));
  }
  response.end();
}

/** Whether the request was signed at another time than now: 20261124T001414Z. */
function isSkewed({ headers }: IncomingMessage): boolean {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'])) ?? [];
  if (parts.length === 0) return false;
  const [year = 0, month = 0, day, hour, minute, second] = parts.map(Number);
  return Math.abs(Date.UTC(year, month - 1, day, hour, minute, second) - Date.now()) > MOST_SKEW_MS;
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
