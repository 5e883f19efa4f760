/**
 * What the AWS configuration files say of S3: endpoint and addressing style of a profile, under the names that the AWS
 * command line uses. The SDK reads the endpoint of the AWS_PROFILE alone, and not of a profile that it is given.
 */
import { loadConfig, loadSharedConfigFiles } from '@smithy/core/config';
import { ConfigError } from '../errors.ts';

/** A section of a configuration file; keys of nested settings are `s3.addressing_style`. */
type Section = Readonly<Record<string, string | undefined>>;

export interface AwsProfile {
  readonly endpoint: string | undefined;
  readonly addressingStyle: string | undefined;
}

/**
 * @param profile default: AWS_PROFILE, then "default".
 * @throws ConfigError when a file cannot be understood, and when no file has the profile that is named.
 */
export async function readAwsProfile(profile: string | undefined): Promise<AwsProfile> {
  await checkProfile(profile ?? process.env.AWS_PROFILE);
  const setting = (
    choose: (section: Section, all: Readonly<Record<string, Section>>) => string | undefined,
  ) =>
    loadConfig<string>(
      {
        environmentVariableSelector: () => undefined,
        configFileSelector: (section, all) =>
          choose(section, (all ?? {}) as Readonly<Record<string, Section>>),
        default: '',
      },
      profile === undefined ? {} : { profile },
    )();
  try {
    const [endpoint, addressingStyle] = await Promise.all([
      setting(
        (section, all) => all[`services.${section.services}`]?.['s3.endpoint_url'] ?? section.endpoint_url,
      ),
      setting((section) => section['s3.addressing_style']),
    ]);
    return { endpoint: endpoint || undefined, addressingStyle: addressingStyle || undefined };
  } catch (error) {
    throw cannotRead(profile, error);
  }
}

/** The SDK goes on without a profile that it does not find, with whatever keys the machine has. */
async function checkProfile(profile: string | undefined): Promise<void> {
  if (profile === undefined || profile === '' || profile === 'default') return;
  const { configFile, credentialsFile } = await loadSharedConfigFiles().catch((error: unknown) => {
    throw cannotRead(profile, error);
  });
  if (profile in configFile || profile in credentialsFile) return;
  throw new ConfigError(
    'no-profile',
    'AWS configuration files: expected the profile, found no section of it',
    {
      profile,
    },
  );
}

function cannotRead(profile: string | undefined, error: unknown): ConfigError {
  return new ConfigError('bad-aws-config', 'AWS configuration files cannot be read', { profile }, error);
}
