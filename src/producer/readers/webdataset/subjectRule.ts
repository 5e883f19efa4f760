/** Who is on a photograph of an archive: said by a member beside it, or by its name. `--subject-from` in words. */
import { ConfigError } from '../../../shared/errors.ts';

/** Forms of `--subject-from`, for messages and help. */
export const SUBJECT_RULES = 'cls, txt, json:FIELD, folder or key:SEPARATOR';

/** `extension`: which member of the sample holds the label; `subjectOf` takes its text. */
export type SubjectRule = MemberRule | NameRule;

export interface MemberRule {
  readonly from: 'member';
  readonly extension: string;
  /** Undefined: the text names nobody. */
  subjectOf(text: string): string | undefined;
}

export interface NameRule {
  readonly from: 'name';
  /** @param key such as `anna/0001`. Undefined: the name names nobody. */
  subjectOf(key: string): string | undefined;
}

/** @throws ConfigError for a text that is no rule. */
export function parseSubjectRule(text: string): SubjectRule {
  const [, name = '', argument = ''] = /^(\w+)(?::(.+))?$/s.exec(text) ?? [];
  if (argument === '') {
    if (name === 'cls' || name === 'txt') {
      return { from: 'member', extension: name, subjectOf: (label) => label.trim() || undefined };
    }
    if (name === 'folder') return { from: 'name', subjectOf: folderOf };
  } else {
    if (name === 'json') {
      return { from: 'member', extension: 'json', subjectOf: (json) => fieldOf(json, argument) };
    }
    if (name === 'key') return { from: 'name', subjectOf: (key) => keyUntil(key, argument) };
  }
  throw new ConfigError('bad-option', `--subject-from: expected ${SUBJECT_RULES}, found ${text}`);
}

/** What is known of an archive's first samples. */
export interface FirstSamples {
  readonly extensions: ReadonlySet<string>;
  readonly imageKeys: readonly string[];
  /** The first JSON member's text. */
  readonly json: string | undefined;
}

/** Fields of a JSON member that name a person, first found first. */
const FIELDS = ['subject_id', 'person_id', 'identity', 'label'];

/** The rule that the first samples suggest; undefined: none does. */
export function suggestSubjectRule({ extensions, imageKeys, json }: FirstSamples): string | undefined {
  if (extensions.has('cls')) return 'cls';
  const field = json === undefined ? undefined : FIELDS.find((name) => fieldOf(json, name) !== undefined);
  if (field !== undefined) return `json:${field}`;
  if (imageKeys.length === 0) return undefined;
  for (const rule of ['folder', 'key:__']) {
    const { subjectOf } = parseSubjectRule(rule);
    if (imageKeys.every((key) => subjectOf(key) !== undefined)) return rule;
  }
  return undefined;
}

/** The whole folder: two people in folders of the same name stay two. */
function folderOf(key: string): string | undefined {
  const end = key.lastIndexOf('/');
  return end > 0 ? key.slice(0, end) : undefined;
}

function keyUntil(key: string, separator: string): string | undefined {
  const name = key.slice(key.lastIndexOf('/') + 1);
  const end = name.indexOf(separator);
  return end > 0 ? name.slice(0, end) : undefined;
}

/** A field of an object in JSON, `a.b` inside another; undefined unless it is a text, a number or a truth value. */
function fieldOf(json: string, path: string): string | undefined {
  let value: unknown;
  try {
    value = parseJson(json);
  } catch {
    return undefined;
  }
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  if (typeof value === 'string') return value.trim() || undefined;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** Texts, numbers, and what Python writes for numbers that JSON does not have. Matches without going back. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?Infinity|NaN/gs;

/** JSON in which whole numbers that a double may round are texts, and numbers that are none are null. */
function parseJson(json: string): unknown {
  return JSON.parse(
    json.replace(TOKENS, (token) => {
      if (/^-?[1-9]\d{15,}$/.test(token)) return `"${token}"`;
      return /^(?:NaN|-?Infinity)$/.test(token) ? 'null' : token;
    }),
  );
}
