/**
 * The S3 client as posecast uses it, for OUT and for a corpus. Its neighbours and `corpus/s3Source.ts` alone know the
 * AWS SDK besides.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { ConfigError } from '../errors.ts';
import { keepSecret } from '../text/secrets.ts';
import { missingCredentials } from './missingCredentials.ts';
import type { RequestListeners } from './observedStore.ts';
import { type PrefixRule, resolveS3Address, type S3Address } from './s3Address.ts';
import { errorName, openFailure, plainError } from './s3Errors.ts';
import { hearRetries } from './s3Retries.ts';
import type { S3Options } from './storeOptions.ts';

/** Opening must end within 5 s, in milliseconds. */
const OPEN_DEADLINE_MS = 4000;
/** What is left of the 5 s for a first use to take away what it wrote, in milliseconds. It goes on behind them. */
const CLEARING_MS = 900;
/** A connection that is silent for this long is given up, in milliseconds. */
const SILENCE_MS = 60_000;
const ignored = (): void => {};
/**
 * Without one the SDK writes its warnings (such as that keys in the environment do not count beside a profile that is
 * named) to stderr, in lines of its own amid those of --log-format json.
 */
const SILENT_LOGGER = { debug: ignored, info: ignored, warn: ignored, error: ignored };

export interface OpenS3Options {
  readonly s3?: S3Options;
  /** How many requests may be under way at once. */
  readonly sockets: number;
  /** What the words of a refusal begin with. */
  readonly of?: string;
  /** Default: that of OUT's keys. */
  readonly prefixRule?: PrefixRule;
  readonly onRetry?: RequestListeners['onRetry'] | undefined;
}

/** A client of the service that s3://bucket/prefix lies on. */
export interface OpenedS3 {
  readonly client: S3Client;
  readonly address: S3Address;
}

/**
 * Opens s3://bucket/prefix and uses it at once, so that what is wrong with it is found here.
 *
 * @param firstUse may go on behind the deadline, to take away what it wrote; the client is there for it until it ends.
 * @throws ConfigError within 5 s when the address, the credentials or `firstUse` show that it cannot be used.
 */
export async function openS3Client(
  uri: string,
  { s3 = {}, sockets, of = '', prefixRule, onRetry }: OpenS3Options,
  firstUse: (opened: OpenedS3, deadline: AbortSignal) => Promise<void>,
): Promise<OpenedS3> {
  const address = await resolveS3Address(uri, s3, prefixRule);
  const client = await createClient(address, sockets);
  if (onRetry !== undefined) hearRetries(client, onRetry);
  const deadline = AbortSignal.timeout(OPEN_DEADLINE_MS);
  const opened = { client, address };
  let use: Promise<void> | undefined;
  try {
    await withDeadline(resolveCredentials(client), deadline);
    use = firstUse(opened, deadline);
    await withDeadline(use, deadline);
    return opened;
  } catch (error) {
    const closed = Promise.allSettled([use]).then(() => client.destroy());
    await Promise.race([closed, sleep(CLEARING_MS, undefined, { ref: false })]);
    const where = { bucket: address.bucket, endpoint: address.endpoint ?? 'AWS' };
    if (errorName(error) !== 'CredentialsProviderError') throw openFailure(where, error, of);
    const { message, profile } = await missingCredentials(address.profile);
    throw new ConfigError('no-credentials', `${of}${message}`, { ...where, profile }, plainError(error));
  }
}

async function createClient(address: S3Address, sockets: number): Promise<S3Client> {
  const { endpoint, forcePathStyle, profile } = address;
  const settings = {
    forcePathStyle,
    followRegionRedirects: true,
    maxAttempts: 5,
    logger: SILENT_LOGGER,
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
async function resolveCredentials(client: S3Client): Promise<void> {
  const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials();
  // Services and proxies echo what they were sent in the text of their errors.
  keepSecret(accessKeyId, secretAccessKey, sessionToken);
}

/** The SDK does not pass the signal to every step (looking for credentials), so the deadline is also a race. */
async function withDeadline<T>(work: Promise<T>, deadline: AbortSignal): Promise<T> {
  const late = new Promise<never>((_, reject) => {
    deadline.addEventListener('abort', () => reject(deadline.reason as Error), { once: true });
  });
  return Promise.race([work, late]);
}

export function sendOptions(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  if (signal === undefined) return {};
  // The SDK listens to it once a request, and dozens of photographs are read at a time: no leak to be warned of.
  setMaxListeners(0, signal);
  return { abortSignal: signal };
}
