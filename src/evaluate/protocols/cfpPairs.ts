/**
 * The protocol folder of Celebrities in Frontal-Profile, as the set's readme describes it: `Pair_list_F.txt` and
 * `Pair_list_P.txt` number the photographs from 1 (`1 ../Data/Images/001/frontal/01.jpg`), and
 * `Split/FF|FP/NN/same.txt` and `diff.txt` hold lines `number,number`: frontal with frontal, or frontal with
 * profile. Never run on the real set.
 */
import { readdir } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { ConfigError } from '../../shared/errors.ts';
import type { FacePair, PairList } from './facePair.ts';
import { badLine, listLines, requireFields, wholeNumber } from './listLines.ts';

export type CfpKind = 'FF' | 'FP';

/**
 * Reads one kind of pairs. `protocol` is the folder `Protocol`; its paths must lead into the folder `corpus`. Both
 * absolute.
 *
 * @throws ConfigError naming file and line of what is not of this form.
 */
export async function readCfpPairs(protocol: string, corpus: string, kind: CfpKind): Promise<PairList> {
  const frontal = await readNumbers(join(protocol, 'Pair_list_F.txt'), protocol, corpus);
  const second =
    kind === 'FF' ? frontal : await readNumbers(join(protocol, 'Pair_list_P.txt'), protocol, corpus);
  const folder = join(protocol, 'Split', kind);
  const splits = await splitFolders(folder);
  const pairs: FacePair[] = [];
  for (const [fold, split] of splits.entries()) {
    for (const [name, same] of [
      ['same.txt', true],
      ['diff.txt', false],
    ] as const) {
      for await (const line of listLines(join(folder, split, name), /\s*,\s*/)) {
        requireFields(line, 2, 'number,number');
        const [a, b] = line.fields as [string, string];
        const first = frontal.get(wholeNumber(line, a, 'a number of Pair_list_F.txt', 1));
        const other = second.get(
          wholeNumber(line, b, `a number of Pair_list_${kind === 'FF' ? 'F' : 'P'}.txt`, 1),
        );
        if (first === undefined || other === undefined) {
          throw badLine(line, 'numbers that the pair lists hold', line.fields.join(','));
        }
        pairs.push({ fold, same, first, second: other });
      }
    }
  }
  return { pairs, folds: splits.length };
}

/** Number → path relative to the corpus. */
async function readNumbers(file: string, protocol: string, corpus: string): Promise<Map<number, string>> {
  const paths = new Map<number, string>();
  for await (const line of listLines(file)) {
    requireFields(line, 2, 'number path');
    const [number, path] = line.fields as [string, string];
    const inside = relative(corpus, resolve(protocol, path));
    if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`)) {
      throw badLine(line, `a path inside ${corpus}`, path);
    }
    const key = wholeNumber(line, number, 'a number', 1);
    if (paths.has(key)) throw badLine(line, 'every number once', number);
    paths.set(key, inside.split(sep).join('/'));
  }
  return paths;
}

async function splitFolders(folder: string): Promise<string[]> {
  let names: string[];
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    names = entries
      .filter((entry) => entry.isDirectory() && /^[0-9]+$/.test(entry.name))
      .map(({ name }) => name);
  } catch (error) {
    throw new ConfigError('no-pair-list', 'CFP: expected a folder of splits', { folder }, error);
  }
  if (names.length < 2) {
    throw new ConfigError('bad-pair-list', 'CFP: expected two or more numbered splits', {
      folder,
      found: names.length,
    });
  }
  return names.sort((a, b) => Number(a) - Number(b));
}
