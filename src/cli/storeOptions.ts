/** Options about the object store that OUT lies in; none of them is part of a run. */
import type { Command } from 'commander';
import type { S3Options } from '../shared/store/openStore.ts';

export interface StoreFlags {
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
}

export function addStoreOptions(command: Command): Command {
  return command
    .option('--s3-endpoint <url>', 'an S3-compatible service (default: AWS_ENDPOINT_URL_S3, else AWS)')
    .option('--s3-region <name>', 'region of the bucket (default: AWS_REGION, else the profile)');
}

export function s3Options(flags: StoreFlags): S3Options {
  return { endpoint: flags.s3Endpoint, region: flags.s3Region };
}
