/** The S3 client as posecast uses it, for OUT and for a corpus. This file and its neighbours alone know the AWS SDK. */
import { S3Client } from '@aws-sdk/client-s3';
import { keepSecret } from '../secrets.ts';
import type { S3Address } from './s3Address.ts';

/** A connection that is silent for this long is given up, in milliseconds. */
const SILENCE_MS = 60_000;

/** @param sockets how many requests may be under way at once. */
export async function createS3Client(address: S3Address, sockets = 50): Promise<S3Client> {
  const { endpoint, forcePathStyle, profile } = address;
  const settings = {
    forcePathStyle,
    followRegionRedirects: true,
    maxAttempts: 5,
    requestHandler: {
      connectionTimeout: 3000,
      socketTimeout: SILENCE_MS,
      httpAgent: { maxSockets: sockets },
      httpsAgent: { maxSockets: sockets },
    },
    // Trailing checksums, the SDK's default, are stored as content or refused by several compatible services. Every
    // table has its SHA-256 in a commit, and commits are read back.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(profile === undefined ? {} : { profile }),
  } as const;
  const client = new S3Client({
    ...settings,
    ...(address.region === undefined ? {} : { region: address.region }),
  });
  const configured = await client.config.region().catch(() => undefined);
  return configured === undefined ? new S3Client({ ...settings, region: 'us-east-1' }) : client;
}

/** Looks for credentials, so that the lack of them is found at once, and keeps them out of messages. */
export async function resolveCredentials(client: S3Client, deadline: AbortSignal): Promise<void> {
  const { accessKeyId, secretAccessKey, sessionToken } = await withDeadline(
    client.config.credentials(),
    deadline,
  );
  // Services and proxies echo what they were sent in the text of their errors.
  keepSecret(accessKeyId, secretAccessKey, sessionToken);
}

/** The SDK does not pass the signal to every step (looking for credentials), so the deadline is also a race. */
export async function withDeadline<T>(work: Promise<T>, deadline: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    deadline.addEventListener('abort', () => reject(deadline.reason as Error), { once: true });
  });
  return Promise.race([work, late]);
}

export function sendOptions(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
