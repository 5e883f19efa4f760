/**
 * `pairs.txt` of Labeled Faces in the Wild, as the set's README describes it: the first line gives the number of
 * sets and the matched pairs of each; then for every set as many lines `name n1 n2` (one person) and as many
 * `name1 n1 name2 n2`. `pairsDevTrain.txt` and `pairsDevTest.txt` give the pairs alone and are one set. Never run
 * on the real set.
 */
import { type FacePair, inTenths, type PairList } from './facePair.ts';
import { badLine, type ListLine, listLines, requireFields, wholeNumber } from './listLines.ts';

const MATCHED = 'a matched pair: name n1 n2';
const MISMATCHED = 'a mismatched pair: name1 n1 name2 n2';

/** @throws ConfigError naming file and line of what is not of this form. */
export async function readLfwPairs(file: string): Promise<PairList> {
  let header: { sets: number; matched: number } | undefined;
  const pairs: FacePair[] = [];
  let last: ListLine = { file, number: 0, fields: [] };
  for await (const line of listLines(file)) {
    last = line;
    if (header === undefined) {
      header = readHeader(line);
      continue;
    }
    const { sets, matched } = header;
    const fold = Math.floor(pairs.length / (2 * matched));
    if (fold >= sets) {
      throw badLine(line, `the end of the file after ${2 * sets * matched} pairs`, line.fields.join(' '));
    }
    pairs.push(readPair(line, fold, pairs.length % (2 * matched) < matched));
  }
  if (header === undefined) {
    throw badLine({ file, number: 1 }, 'the number of sets and of matched pairs', 'an empty file');
  }
  const wanted = 2 * header.sets * header.matched;
  if (pairs.length !== wanted) {
    throw badLine(last, `${wanted} pairs as the first line says`, `${pairs.length} pairs`);
  }
  // A single set (the development lists) leaves nothing to choose a threshold on.
  return header.sets > 1 ? { pairs, folds: header.sets } : inTenths(pairs, file);
}

function readHeader(line: ListLine): { sets: number; matched: number } {
  const form = 'the number of sets and of matched pairs';
  if (line.fields.length !== 1) requireFields(line, 2, form);
  const [first, second] = line.fields as [string, string | undefined];
  if (second === undefined) return { sets: 1, matched: wholeNumber(line, first, form, 1) };
  return { sets: wholeNumber(line, first, form, 1), matched: wholeNumber(line, second, form, 1) };
}

function readPair(line: ListLine, fold: number, same: boolean): FacePair {
  requireFields(line, same ? 3 : 4, same ? MATCHED : MISMATCHED);
  const [name, n1] = line.fields as [string, string];
  const [otherName, n2] = (same ? [name, line.fields[2]] : line.fields.slice(2)) as [string, string];
  if (!same && otherName === name) throw badLine(line, 'two different people', line.fields.join(' '));
  return { fold, same, first: lfwPath(line, name, n1), second: lfwPath(line, otherName, n2) };
}

/** `George_W_Bush`, 10 → `George_W_Bush/George_W_Bush_0010.jpg`. */
function lfwPath(line: ListLine, name: string, text: string): string {
  const number = wholeNumber(line, text, 'the number of a photograph', 1);
  if (name.includes('/') || name.includes('\\') || name === '..') throw badLine(line, 'a name', name);
  return `${name}/${name}_${String(number).padStart(4, '0')}.jpg`;
}
