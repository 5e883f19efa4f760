/**
 * The lists of IJB-B and IJB-C 1:1 verification in the form in which they are passed on:
 * `ijbc_face_tid_mid.txt` holds `photograph template media` a line, `ijbc_template_pair_label.txt` holds
 * `template template label` (1: one person). Both are streamed: IJB-C has 469,375 and 15,658,489 lines. Never run on
 * the real sets.
 */
import { badLine, listLines, requireFields, wholeNumber } from './listLines.ts';

/** A photograph in a template. Frames of one video have one media number. */
export interface TemplateFace {
  /** Path relative to the corpus. */
  readonly path: string;
  readonly template: number;
  readonly media: number;
}

export interface TemplatePair {
  readonly first: number;
  readonly second: number;
  readonly same: boolean;
}

/** @throws ConfigError naming file and line of what is not of this form. */
export async function* readTemplateFaces(file: string): AsyncGenerator<TemplateFace> {
  for await (const line of listLines(file)) {
    requireFields(line, 3, 'photograph template media');
    const [path, template, media] = line.fields as [string, string, string];
    if (path.startsWith('/') || path.split('/').includes('..'))
      throw badLine(line, 'a path inside the corpus', path);
    yield {
      path,
      template: wholeNumber(line, template, 'a template', 0),
      media: wholeNumber(line, media, 'a media', 0),
    };
  }
}

/** Pairs of `known` templates. @throws ConfigError naming file and line of what is not of this form. */
export async function* readTemplatePairs(
  file: string,
  known: { has(template: number): boolean },
): AsyncGenerator<TemplatePair> {
  for await (const line of listLines(file)) {
    requireFields(line, 3, 'template template label');
    const [first, second, label] = line.fields as [string, string, string];
    const pair = {
      first: wholeNumber(line, first, 'a template', 0),
      second: wholeNumber(line, second, 'a template', 0),
    };
    if (!known.has(pair.first) || !known.has(pair.second)) {
      throw badLine(line, 'templates that the list of photographs holds', line.fields.join(' '));
    }
    if (label !== '0' && label !== '1') throw badLine(line, 'a label: 1 for one person, 0 for two', label);
    yield { ...pair, same: label === '1' };
  }
}
