/** What an S3 service's errors mean. Looks at names and status codes, never at texts. */
import { ConfigError, type ErrorFacts, PosecastError, StoreUnusableError, toError } from '../errors.ts';

interface ServiceError {
  readonly name?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
}

export function errorName(error: unknown): string {
  return (error as ServiceError).name ?? '';
}

export function httpStatus(error: unknown): number | undefined {
  return (error as ServiceError).$metadata?.httpStatusCode;
}

/** How often the client sent the request, its own retries included. */
export function requestAttempts(error: unknown): number {
  return (error as ServiceError).$metadata?.attempts ?? 1;
}

/**
 * Whether a GET found no such object. A 404 by any other name says nothing of the object: its bucket is gone, or what
 * answered is no S3 service, such as a proxy whose way to it is lost.
 */
export function isAbsent(error: unknown): boolean {
  return errorName(error) === 'NoSuchKey';
}

const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'CredentialsProviderError'];
const BAD_KEYS = ['InvalidAccessKeyId', 'InvalidToken', 'SignatureDoesNotMatch', 'RequestTimeTooSkewed'];
const DENIED = ['AccessDenied', ...BAD_KEYS];
/** MinIO's disk and bucket quota; the quota of Ceph and others, which comes as a 403. */
const FULL = ['XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded', 'QuotaExceeded'];

/** Whether the service does not accept who is asking, for another reason than time. */
export function isDenied(error: unknown): boolean {
  const status = httpStatus(error);
  if (EXPIRED.includes(errorName(error)) || isFull(error)) return false;
  return status === 401 || status === 403 || DENIED.includes(errorName(error));
}

function isFull(error: unknown): boolean {
  return httpStatus(error) === 507 || FULL.includes(errorName(error));
}

/** Whether the service refuses the keys themselves, and not this one request of theirs. */
export function isDenialOfKeys(error: unknown): boolean {
  return [...BAD_KEYS, ...EXPIRED].includes(errorName(error));
}

/** What nobody but the user can put right, if it is such an error. */
function unusable(error: unknown): { readonly code: string; readonly message: string } | undefined {
  const name = errorName(error);
  if (name === 'NoSuchBucket') {
    return { code: 'no-bucket', message: 'S3 bucket: does not exist (any more)' };
  }
  if (isFull(error)) {
    return { code: 'disk-full', message: 'S3 service: expected room, found its disk or quota full' };
  }
  if (EXPIRED.includes(name)) {
    return {
      code: 'expired-credentials',
      message: 'S3 credentials: expected valid ones, found them expired',
    };
  }
  if (isDenied(error)) {
    return { code: 'access-denied', message: 'S3 service: expected access, found these credentials refused' };
  }
  return undefined;
}

/** A failure while working. The original's fields (request ids, signed headers) are left out on purpose. */
export function storeFailure(operation: string, facts: ErrorFacts, error: unknown): Error {
  if (error instanceof PosecastError || errorName(error) === 'AbortError') return toError(error);
  const final = unusable(error);
  if (final !== undefined) {
    const where = { operation, ...facts, status: httpStatus(error) };
    return new StoreUnusableError(final.code, final.message, where, plainError(error));
  }
  return new PosecastError(
    's3-failed',
    `S3 ${operation} failed`,
    { ...facts, status: httpStatus(error) },
    plainError(error),
  );
}

/** A failure while opening: what the user can do about it. Its words begin with `of`. */
export function openFailure(facts: ErrorFacts, error: unknown, of: string): Error {
  if (error instanceof PosecastError) return error;
  const name = errorName(error);
  const status = httpStatus(error);
  const refuse = (code: string, message: string) =>
    new ConfigError(code, `${of}${message}`, { ...facts, status }, plainError(error));
  if (name === 'NoSuchBucket') return refuse('no-bucket', 'S3 bucket does not exist');
  if (status === 404) return refuse('not-s3', 'endpoint is no S3 service, or the bucket does not exist');
  if (name === 'InvalidAccessKeyId' || name === 'SignatureDoesNotMatch') {
    return refuse('bad-credentials', 'S3 service does not accept the AWS credentials');
  }
  if (isFull(error)) return refuse('disk-full', 'S3 service has no room: its disk or quota is full');
  if (status === 401 || status === 403)
    return refuse('access-denied', 'S3 service denies access with these credentials');
  if (status === 301 || status === 307) return refuse('wrong-region', 'S3 bucket is in another region');
  if (name === 'TimeoutError' || name === 'AbortError')
    return refuse('unreachable', 'S3 service does not answer');
  if (status === undefined) return refuse('unreachable', 'S3 service cannot be reached');
  return refuse('s3-unusable', 'S3 service cannot be used');
}

/** Its name and text alone. */
export function plainError(error: unknown): Error {
  const { name, message } = toError(error);
  // Some services send no text, and Node reports several refused addresses as one error without one.
  const text = message === '' || message === 'UnknownError' ? (error as ServiceError).code : message;
  return new Error(text === undefined ? name : `${name}: ${text}`);
}
