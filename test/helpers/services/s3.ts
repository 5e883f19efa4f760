/**
 * A real S3 protocol server on 127.0.0.1, in front of an emulator that keeps objects in memory. The emulator ignores
 * If-None-Match; the front honours it when asked to, as AWS and Ceph do, and lets a test break single requests.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { buildApp } from 'fauxqs';

export interface S3Request {
  readonly method: string;
  /** Path with query, such as /bucket/key?uploads. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

/**
 * What happens to a request. 'lose-answer': carried out, then the connection breaks. 'cut-body': the answer breaks off
 * half way. 'alter': the service stores one byte less than it was sent. 'silence': no answer ever. With `promises`, the
 * answer begins a body of so many bytes that never comes; with `rewrites`, its text is what that makes of it.
 */
export type Fate =
  | 'pass'
  | 'lose-answer'
  | 'cut-body'
  | 'alter'
  | 'silence'
  | { readonly status: number; readonly code: string }
  | { readonly promises: number }
  | { readonly rewrites: (text: string) => string };

export interface S3Service {
  readonly endpoint: string;
  readonly bucket: string;
  /** Every request so far, in order of arrival. */
  readonly requests: S3Request[];
  /** Decides the fate of each request, which waits for it; starts as 'pass' for all. */
  fate: (request: S3Request) => Fate | Promise<Fate>;
  unfinishedUploads(): Promise<number>;
}

export interface S3ServiceOptions {
  /** Honour If-None-Match: * on PutObject. */
  readonly conditionalPuts: boolean;
}

/** Runs with these variables in the environment, undefined ones absent. */
export async function withEnvironment<T>(
  variables: Readonly<Record<string, string | undefined>>,
  run: () => Promise<T>,
): Promise<T> {
  const set = (values: Readonly<Record<string, string | undefined>>) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  set(variables);
  try {
    return await run();
  } finally {
    set(before);
  }
}

/** Credentials the emulator accepts (it accepts any); put into the environment while a service runs. */
export const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test-secret',
  AWS_REGION: 'us-east-1',
};

export async function withS3<T>(
  options: S3ServiceOptions,
  run: (service: S3Service) => Promise<T>,
): Promise<T> {
  const emulator = buildApp({ logger: false });
  await emulator.listen({ port: 0, host: '127.0.0.1' });
  const backend = (emulator.server.address() as AddressInfo).port;
  const service: S3Service = {
    endpoint: '',
    bucket: 'posecast-test',
    requests: [],
    fate: () => 'pass',
    unfinishedUploads: async () => {
      const found = await client.send(new ListMultipartUploadsCommand({ Bucket: service.bucket }));
      return found.Uploads?.length ?? 0;
    },
  };
  const front = http.createServer((request, response) => {
    answer(service, backend, options, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  Object.assign(service, { endpoint });

  const client = new S3Client({
    endpoint,
    forcePathStyle: true,
    region: CREDENTIALS.AWS_REGION,
    credentials: {
      accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID,
      secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
    },
  });
  try {
    await client.send(new CreateBucketCommand({ Bucket: service.bucket }));
    service.requests.length = 0;
    return await withEnvironment(CREDENTIALS, () => run(service));
  } finally {
    client.destroy();
    front.closeAllConnections();
    await new Promise((resolve) => front.close(resolve));
    await emulator.close();
  }
}

/** Keys a conditional write is under way for, as `port/path`. */
const inFlight = new Set<string>();

async function answer(
  service: S3Service,
  backend: number,
  options: S3ServiceOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readAll(request);
  const seen = { method: request.method ?? '', path: request.url ?? '', headers: request.headers };
  service.requests.push(seen);
  const fate = await service.fate(seen);
  if (fate === 'silence') return;
  if (typeof fate === 'object' && 'promises' in fate) {
    response.writeHead(200, { 'content-length': fate.promises }).write('PAR1');
    return;
  }
  if (typeof fate === 'object' && 'status' in fate) return refuse(response, fate.status, fate.code);

  const slot = `${backend}${seen.path}`;
  const conditional =
    options.conditionalPuts && seen.method === 'PUT' && seen.headers['if-none-match'] === '*';
  if (conditional) {
    if (inFlight.has(slot)) return refuse(response, 409, 'ConditionalRequestConflict');
    inFlight.add(slot);
  }
  try {
    if (
      conditional &&
      (await forward(backend, { ...seen, method: 'HEAD' }, Buffer.alloc(0))).status === 200
    ) {
      return refuse(response, 412, 'PreconditionFailed');
    }
    const reply = await forward(backend, seen, fate === 'alter' ? body.subarray(1) : body);
    if (fate === 'lose-answer') {
      response.destroy();
      return;
    }
    if (typeof fate === 'object') {
      response.writeHead(reply.status, { 'content-type': reply.headers['content-type'] });
      response.end(fate.rewrites(reply.body.toString()));
      return;
    }
    response.writeHead(reply.status, reply.headers);
    if (fate === 'cut-body') {
      response.write(reply.body.subarray(0, reply.body.length / 2), () => response.destroy());
      return;
    }
    response.end(reply.body);
  } finally {
    if (conditional) inFlight.delete(slot);
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>made by the test</Message></Error>`);
}

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

function forward(port: number, { method, path, headers }: S3Request, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { 'transfer-encoding': _, ...kept } = headers;
    const request = http.request({
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { ...kept, 'content-length': body.length },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      readAll(response).then((found) => {
        resolve({ status: response.statusCode ?? 500, headers: response.headers, body: found });
      }, reject);
    });
    request.end(body);
  });
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
