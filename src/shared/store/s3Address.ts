/** Where an S3 store is: bucket, prefix and service, from what the user wrote and the usual AWS variables. */
import { ConfigError } from '../errors.ts';
import { readAwsProfile } from './awsProfile.ts';
import { keyProblem } from './storeKey.ts';
import type { S3Options } from './storeOptions.ts';

export interface S3Address {
  readonly bucket: string;
  /** '' or a key prefix ending in '/'. */
  readonly prefix: string;
  /** undefined: AWS itself. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly forcePathStyle: boolean;
  /** undefined: AWS_PROFILE or "default". */
  readonly profile: string | undefined;
}

/** Why a prefix is not acceptable, or undefined when it is. */
export type PrefixRule = (prefix: string) => string | undefined;

/**
 * Where a store is, the profile of the AWS configuration files included.
 * @param rule for the prefix without its last slash; default: that of OUT's keys.
 * @throws ConfigError as `parseS3Address`, and when the files cannot be understood.
 */
export async function resolveS3Address(
  uri: string,
  options: S3Options,
  rule: PrefixRule = keyProblem,
): Promise<S3Address> {
  const address = parseS3Address(uri, options, rule);
  const said = await readAwsProfile(options.profile);
  const endpoint = address.endpoint ?? said.endpoint;
  if (endpoint !== undefined) checkEndpoint(endpoint);
  const style = said.addressingStyle;
  return {
    ...address,
    endpoint,
    forcePathStyle:
      options.forcePathStyle ??
      (style === 'path' || style === 'virtual' ? style === 'path' : endpoint !== undefined),
  };
}

/** Whether endpoints of `resolveS3Address` are one, whether a slash ends them or not. */
export function isSameEndpoint(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return new URL(one).href === new URL(other).href;
}

/** What the user wrote and the AWS variables say. Throws ConfigError when the URI or the endpoint cannot be meant. */
function parseS3Address(
  uri: string,
  options: S3Options,
  rule: PrefixRule,
  env: NodeJS.ProcessEnv = process.env,
): S3Address {
  const [, bucket = '', rest = ''] = /^s3:\/\/([^/]*)\/?(.*)$/i.exec(uri) ?? [];
  if (bucket === '') {
    throw new ConfigError('bad-uri', 'an S3 address must be s3://bucket or s3://bucket/prefix', { uri });
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/.test(bucket)) {
    throw new ConfigError(
      'bad-uri',
      'the bucket of an S3 address must have 3 to 63 letters, digits, dots, hyphens or underscores, the first and the last a letter or a digit',
      { uri },
    );
  }
  const folder = rest.replace(/\/+$/, '');
  const problem = folder === '' ? undefined : rule(folder);
  if (problem !== undefined)
    throw new ConfigError('bad-uri', `the prefix of an S3 address ${problem}`, { uri });
  const endpoint = options.endpoint ?? (env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined);
  if (endpoint !== undefined) checkEndpoint(endpoint);
  return {
    bucket,
    prefix: folder === '' ? '' : `${folder}/`,
    endpoint,
    region: options.region ?? (env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    profile: options.profile,
  };
}

function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    // With an @ it may be keys and a host without a scheme.
    const found = endpoint.includes('@') ? 'one that may hold credentials' : endpoint;
    throw new ConfigError('bad-endpoint', 'S3 endpoint: expected an http:// or https:// URL', { found });
  }
  // Not shown: it holds what should not be in a log.
  if (url.username !== '' || url.password !== '') {
    throw new ConfigError('bad-endpoint', 'S3 endpoint: expected a URL without credentials, found some', {
      host: url.host,
    });
  }
}
