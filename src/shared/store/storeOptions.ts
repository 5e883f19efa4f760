/** How a store is opened, and how the S3 service that it lies on, or a corpus, is reached. */
import type { RequestListeners } from './observedStore.ts';

export interface S3Options {
  /** An S3-compatible service's URL; default: AWS_ENDPOINT_URL(_S3), the profile, then AWS itself. */
  readonly endpoint?: string | undefined;
  /** Default: AWS_REGION, AWS_DEFAULT_REGION, the profile, then us-east-1. */
  readonly region?: string | undefined;
  /** endpoint/bucket/key instead of bucket.endpoint/key. Default: true with an endpoint of one's own. */
  readonly forcePathStyle?: boolean | undefined;
  /** A profile of the AWS configuration files; default: AWS_PROFILE, then "default". */
  readonly profile?: string | undefined;
}

export interface OpenStoreOptions extends RequestListeners {
  readonly s3?: S3Options;
  /** 'read' never writes, not even the probe of put-if-absent. Default 'write'. */
  readonly access?: 'read' | 'write';
  /** Hears what the user has to know, such as a store without put-if-absent. */
  readonly onWarning?: (message: string) => void;
}
