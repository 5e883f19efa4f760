/**
 * Keeps secrets out of what is printed, stored or sent on: messages of other people's libraries and servers, and what
 * a user typed in the wrong place, may hold them.
 */

/** Shorter ones are left: replacing them would spoil ordinary words and protect little. */
const SHORTEST_SECRET = 6;

const HIDDEN = '***';

const kept = new Set<string>();

/** From now on this process shows `***` instead of the value. Undefined and very short values are ignored. */
export function keepSecret(...values: (string | undefined)[]): void {
  for (const value of values) {
    if (value === undefined || value.length < SHORTEST_SECRET) continue;
    kept.add(value).add(encodeURIComponent(value));
  }
}

/** Passwords hold `/` and `@` more often than host names and buckets do. */
const SERVICE_LOGIN = /\b((?:rediss?|s3):\/\/)[^\s"'\]]*@/gi;
/** `https://user:password@host`, and a password with an unescaped `/` (the host's port is no password). */
const URL_LOGIN = /\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/@]*|[^\s/@:]+:(?!\d+[/?#\s])[^\s"'@]*)@/gi;
/** Signed addresses are passwords with an end date. */
const SIGNED_QUERY =
  /([?&](?:x-(?:amz|goog)-[a-z-]*|awsaccesskeyid|signature|sig|token|access_token|api_?key|password|secret)=)[^&\s"'\]]+/gi;
/** Signed headers, as services echo them. */
const SIGNED_HEADER = /\b(AWS4-HMAC-SHA256\s|authorization:\s*)[^\]"']+/gi;

/** The text without kept secrets, logins in URLs and signatures. */
export function withoutSecrets(text: string): string {
  let shown = text;
  for (const secret of kept) shown = shown.replaceAll(secret, HIDDEN);
  return shown
    .replace(SERVICE_LOGIN, `$1${HIDDEN}@`)
    .replace(URL_LOGIN, `$1${HIDDEN}@`)
    .replace(SIGNED_QUERY, `$1${HIDDEN}`)
    .replace(SIGNED_HEADER, `$1${HIDDEN}`);
}
