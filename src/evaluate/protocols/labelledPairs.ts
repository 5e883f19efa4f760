/**
 * `pairs_CPLFW.txt` and `pairs_CALFW.txt`: two lines a pair, `photograph label`, the same label in both: 0 for two
 * people, another number for one. There are no folds in the file. Never run on the real sets.
 */
import { type FacePair, inTenths, type PairList } from './facePair.ts';
import { badLine, type ListLine, listLines, requireFields, wholeNumber } from './listLines.ts';

const FORM = 'photograph label';

/** @throws ConfigError naming file and line of what is not of this form. */
export async function readLabelledPairs(file: string): Promise<PairList> {
  const pairs: Omit<FacePair, 'fold'>[] = [];
  let before: { line: ListLine; path: string; label: number } | undefined;
  for await (const line of listLines(file)) {
    requireFields(line, 2, FORM);
    const [path, text] = line.fields as [string, string];
    const label = wholeNumber(line, text, 'a label: 0 for two people, else one', 0);
    if (path.startsWith('/') || path.split('/').includes('..'))
      throw badLine(line, 'a path inside the corpus', path);
    if (before === undefined) {
      before = { line, path, label };
      continue;
    }
    if (label !== before.label) throw badLine(line, `the label of line ${before.line.number}`, text);
    pairs.push({ same: label !== 0, first: before.path, second: path });
    before = undefined;
  }
  if (before !== undefined) throw badLine(before.line, 'a second line of this pair', 'the end of the file');
  return inTenths(pairs, file);
}
