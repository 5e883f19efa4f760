/** What the AWS profile says of OUT's store, for readers that do not look there. */
import { isS3Uri } from '../../shared/corpus/openCorpusSource.ts';
import { type StoreFlags, s3Options } from './storeOptions.ts';

/**
 * The flags with the profile's endpoint and its addressing style. An endpoint of the AWS variables is not added: who
 * reads in the same environment has it.
 * @param out a store's own uri.
 */
export async function withProfileStore<Flags extends StoreFlags>(out: string, flags: Flags): Promise<Flags> {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL } = process.env;
  const ofEnvironment = flags.s3Endpoint === undefined && Boolean(AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL);
  if (!isS3Uri(out) || ofEnvironment) return flags;
  const { resolveS3Address } = await import('../../shared/store/s3Address.ts');
  const { endpoint, forcePathStyle } = await resolveS3Address(out, s3Options(flags));
  if (endpoint === undefined) return flags;
  return { ...flags, s3Endpoint: endpoint, s3AddressingStyle: forcePathStyle ? 'path' : 'virtual' };
}
