/** Options about the object stores that OUT and the corpus lie in; none of them is part of a run. */
import { type Command, Option } from 'commander';
import type { S3Options } from '../../shared/store/storeOptions.ts';
import { someText } from './optionValues.ts';

const ADDRESSING_STYLES = ['path', 'virtual'] as const;
const ADDRESSING_STYLE_HELP =
  "path: endpoint/bucket, virtual: bucket.endpoint (default: the profile's, else path with an endpoint and virtual without)";
const ENDPOINT_HELP =
  "an S3-compatible service (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, else AWS)";
const REGION_HELP =
  "region of the bucket (default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, else us-east-1)";
type AddressingStyle = (typeof ADDRESSING_STYLES)[number];

export const STORE_FLAGS = [
  's3Endpoint',
  's3Region',
  's3Profile',
  's3AddressingStyle',
] as const satisfies readonly (keyof StoreFlags)[];

export const CORPUS_STORE_FLAGS = [
  'corpusS3Endpoint',
  'corpusS3Region',
  'corpusS3Profile',
  'corpusS3AddressingStyle',
] as const satisfies readonly (keyof OnlyCorpusStoreFlags)[];

export interface StoreFlags {
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
  readonly s3Profile?: string;
  readonly s3AddressingStyle?: AddressingStyle;
}

/** Of commands that read the corpus. */
export interface CorpusStoreFlags extends StoreFlags, OnlyCorpusStoreFlags {}

export interface OnlyCorpusStoreFlags {
  readonly corpusS3Endpoint?: string;
  readonly corpusS3Region?: string;
  readonly corpusS3Profile?: string;
  readonly corpusS3AddressingStyle?: AddressingStyle;
}

export function addStoreOptions(command: Command): Command {
  return command
    .option('--s3-endpoint <url>', ENDPOINT_HELP)
    .option('--s3-region <name>', REGION_HELP, someText)
    .option('--s3-profile <name>', 'profile of the AWS configuration files (default: AWS_PROFILE)', someText)
    .addOption(new Option('--s3-addressing-style <name>', ADDRESSING_STYLE_HELP).choices(ADDRESSING_STYLES));
}

/** The same for the corpus, where it is not in the store of OUT. */
export function addCorpusStoreOptions(command: Command): Command {
  return addCorpusS3Options(command.optionsGroup('A corpus on another S3 than OUT:'), {
    endpoint: 'default: --s3-endpoint',
    region: 'default: --s3-region',
    profile: 'default: --s3-profile',
    addressingStyle: 'default: --s3-addressing-style',
  });
}

/** Of commands that write to a folder: the corpus alone may lie in S3. */
export function addOnlyCorpusStoreOptions(command: Command): Command {
  return addCorpusS3Options(command.optionsGroup('A corpus in S3:'), {
    endpoint: ENDPOINT_HELP,
    region: REGION_HELP,
    profile: 'profile of the AWS configuration files (default: AWS_PROFILE)',
    addressingStyle: ADDRESSING_STYLE_HELP,
  });
}

function addCorpusS3Options(
  command: Command,
  help: Readonly<Record<'endpoint' | 'region' | 'profile' | 'addressingStyle', string>>,
): Command {
  return command
    .option('--corpus-s3-endpoint <url>', help.endpoint)
    .option('--corpus-s3-region <name>', help.region, someText)
    .option('--corpus-s3-profile <name>', help.profile, someText)
    .addOption(
      new Option('--corpus-s3-addressing-style <name>', help.addressingStyle).choices(ADDRESSING_STYLES),
    )
    .optionsGroup('Options:');
}

export function s3Options(flags: StoreFlags): S3Options {
  return {
    endpoint: flags.s3Endpoint,
    region: flags.s3Region,
    profile: flags.s3Profile,
    forcePathStyle: pathStyle(flags.s3AddressingStyle),
  };
}

export function corpusS3Options(flags: CorpusStoreFlags): S3Options {
  return {
    endpoint: flags.corpusS3Endpoint ?? flags.s3Endpoint,
    region: flags.corpusS3Region ?? flags.s3Region,
    profile: flags.corpusS3Profile ?? flags.s3Profile,
    forcePathStyle: pathStyle(flags.corpusS3AddressingStyle ?? flags.s3AddressingStyle),
  };
}

/** Undefined: as the endpoint suggests. */
function pathStyle(style: AddressingStyle | undefined): boolean | undefined {
  return style === undefined ? undefined : style === 'path';
}
