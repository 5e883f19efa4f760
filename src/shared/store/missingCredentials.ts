/** What is said when no AWS credentials are found: where they were looked for, and where half a pair of keys lies. */
import { DEFAULT_PROFILE, parseKnownFiles } from '@smithy/core/config';

/** A section of a configuration file, or the environment. */
type Variables = Readonly<Record<string, string | undefined>>;

export interface MissingCredentials {
  readonly message: string;
  /** The one that was looked at, or the one with half a pair that its keys are to come from. */
  readonly profile: string;
}

/** @param asked default: AWS_PROFILE, then "default". */
export async function missingCredentials(asked: string | undefined): Promise<MissingCredentials> {
  const named = asked ?? (process.env.AWS_PROFILE || undefined);
  const profile = named ?? DEFAULT_PROFILE;
  if (named === undefined) {
    const half = halfPair(process.env, ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']);
    if (half !== undefined) return { message: `${half} in the environment`, profile };
  }
  for (const [name, section] of await sourcesOf(profile)) {
    const half = halfPair(section, ['aws_access_key_id', 'aws_secret_access_key']);
    if (half !== undefined) return { message: `${half} in the profile`, profile: name };
  }
  // Keys in the environment do not count beside a profile that is named.
  const places = named === undefined ? 'environment, profile' : 'profile';
  return { message: `no AWS credentials found in ${places} or machine role`, profile };
}

/** A profile, and after it those that it takes its keys from; each once, also where they name one another. */
async function sourcesOf(profile: string): Promise<Map<string, Variables>> {
  const sections: Readonly<Record<string, Variables>> = await parseKnownFiles({});
  const found = new Map<string, Variables>();
  for (let name: string | undefined = profile; name !== undefined && !found.has(name); ) {
    const section: Variables = sections[name] ?? {};
    found.set(name, section);
    name = section.source_profile;
  }
  return found;
}

/** What is wrong with a pair of which one is set; undefined: both or none are. */
function halfPair(found: Variables, [id, secret]: readonly [string, string]): string | undefined {
  if (Boolean(found[id]) === Boolean(found[secret])) return undefined;
  const [there, lacking] = found[id] ? [id, secret] : [secret, id];
  return `AWS credentials: expected a pair of keys, found ${there} without ${lacking}`;
}
