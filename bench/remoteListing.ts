/**
 * How long listing one tar takes that lies far away: an emulator of S3, every answer late, and each connection no
 * faster than so many MB a second. The listing runs in a process of its own, whose highest resident memory is printed.
 *
 *     node dist/bench/remoteListing.js [MB of the tar] [latency in ms] [MB a second]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { buildApp } from 'fauxqs';
import { Header } from 'tar';
import { openCorpus } from '../src/producer/readers/openCorpus.ts';

const KEYS = {
  AWS_ACCESS_KEY_ID: 'bench',
  AWS_SECRET_ACCESS_KEY: 'bench-secret',
  AWS_REGION: 'us-east-1',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};
const BUCKET = 'bench';
/** Of a photograph: an aligned crop. */
const PHOTOGRAPH_BYTES = 10_000;
const PIECE_BYTES = 64 * 2 ** 10;

Object.assign(process.env, KEYS);
const [megabytes = '200', latency = '50', rate = '80', endpoint = ''] = process.argv.slice(2);
if (endpoint !== '') await list(endpoint);
else await measure(Number(megabytes), Number(latency), Number(rate));

async function measure(size: number, latencyMs: number, bytesAMicrosecond: number): Promise<void> {
  const emulator = buildApp({ logger: false });
  await emulator.listen({ port: 0, host: '127.0.0.1' });
  const backend = (emulator.server.address() as AddressInfo).port;
  let requests = 0;
  const front = http.createServer((request, response) => {
    if (request.method === 'GET') requests++;
    late(backend, latencyMs, bytesAMicrosecond, request, response).catch(() => response.destroy());
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const direct = new S3Client({ endpoint: `http://127.0.0.1:${backend}`, forcePathStyle: true });
  try {
    await direct.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const Body = makeArchive(size * 2 ** 20);
    await new Upload({ client: direct, params: { Bucket: BUCKET, Key: 'c/t.tar', Body } }).done();
    const address = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const child = spawn(process.execPath, [process.argv[1] ?? '', '0', '0', '0', address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    const { faces, seconds, peakMb } = JSON.parse(chunk.toString('utf8')) as Record<string, number>;
    console.log(
      `${size} MB, ${faces} photographs, ${latencyMs} ms and ${bytesAMicrosecond} MB/s: ${seconds} s, ` +
        `${requests} requests, ${peakMb} MB resident at most`,
    );
  } finally {
    direct.destroy();
    front.closeAllConnections();
    front.close();
    await emulator.close();
  }
}

/** Hands a request on, and the answer back late and slowly. */
async function late(
  port: number,
  latencyMs: number,
  bytesAMicrosecond: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  await sleep(latencyMs);
  const { method, url: path, headers } = request;
  const onward = http.request({ host: '127.0.0.1', port, method, path, headers });
  request.pipe(onward);
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  response.writeHead(answer.statusCode ?? 500, answer.headers);
  const began = performance.now();
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    const due = began + at / bytesAMicrosecond / 1_000;
    if (due > performance.now() + 1) await sleep(due - performance.now());
    if (!response.write(body.subarray(at, at + PIECE_BYTES))) await once(response, 'drain');
  }
  response.end();
}

function makeArchive(size: number): Buffer {
  const span = 512 + Math.ceil(PHOTOGRAPH_BYTES / 512) * 512;
  const archive = Buffer.alloc(Math.floor(size / span) * span + 1024);
  for (let i = 0; (i + 1) * span < archive.length; i++) {
    const path = `p${String(Math.floor(i / 50)).padStart(6, '0')}/${i}.jpg`;
    new Header({ path, size: PHOTOGRAPH_BYTES, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(
      archive,
      i * span,
    );
  }
  return archive;
}

async function list(address: string): Promise<void> {
  const began = performance.now();
  const imageRoot = `s3://${BUCKET}/c`;
  const reader = await openCorpus(
    { corpus: `${imageRoot}/t.tar`, imageRoot, corpusFormat: 'webdataset', subjectFrom: 'folder' },
    { s3: { endpoint: address } },
  );
  let faces = 0;
  for await (const _ of reader.faces()) faces++;
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
  const peakMb = Math.round(Number(kilobytes ?? process.resourceUsage().maxRSS) / 1024);
  console.log(JSON.stringify({ faces, seconds, peakMb }));
}
