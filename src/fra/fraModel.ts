/** Opens the folder of a FRA model: the card, the paths of its networks and its posture bank, all checked. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError, IntegrityError } from '../shared/errors.ts';
import { packageRoot } from '../shared/package.ts';
import { sha256Hex } from '../shared/sha256.ts';
import { type FraCard, type FraFileName, parseFraCard } from './modelCard.ts';
import { decodePostureBank, type PostureBank } from './postureBank.ts';

export interface FraModel {
  readonly folder: string;
  readonly card: FraCard;
  /** Absolute paths of ONNX files whose sha256 is the card's. */
  readonly paths: { readonly encoder: string; readonly decoder: string; readonly combiner: string };
  readonly bank: PostureBank;
}

/** Folder of a FRA model that comes with posecast. Whether it is there, `openFraModel` says. */
export function shippedFraModel(name: string): string {
  return join(packageRoot, 'models', 'fra', name);
}

/** What a user may write for a FRA model: the name of a shipped one, or a folder. */
export function locateFraModel(nameOrFolder: string): string {
  return isShippedFraModel(nameOrFolder) ? shippedFraModel(nameOrFolder) : nameOrFolder;
}

/**
 * The same, as a run records it: a folder's path is absolute, so that it is the same model from everywhere.
 *
 * @param recognizer whose name stands for its own model, where none is asked for: `openFittingFra` says where none is
 * shipped.
 */
export function recordedFraModel(asked: string | undefined, recognizer: string): string {
  if (asked === undefined) return recognizer;
  return isShippedFraModel(asked) ? asked : resolve(asked);
}

/** Whether a FRA model of the name comes with posecast. */
export function isShippedFraModel(name: string): boolean {
  return /^[a-z0-9][a-z0-9-]*$/.test(name) && existsSync(shippedFraModel(name));
}

/** What `--fra` names, opened. Throws as `openFraModel`. */
export function openAskedFraModel(nameOrFolder: string): Promise<FraModel> {
  return openFraModel(locateFraModel(nameOrFolder), '--fra: ');
}

/**
 * Reads and checks a model folder.
 *
 * @param option that asked for the model, as messages begin.
 * @throws ConfigError when there is no model in the folder.
 * @throws IntegrityError when the card is not valid or a file is not the one the card names.
 */
export async function openFraModel(folder: string, option = ''): Promise<FraModel> {
  const cardPath = join(folder, 'card.json');
  let text: string;
  try {
    text = await readFile(cardPath, 'utf8');
  } catch (error) {
    const shipped = await readdir(join(packageRoot, 'models', 'fra')).catch(() => []);
    throw new ConfigError(
      'no-fra-model',
      `${option}expected a FRA model folder or the name of a shipped one (${shipped.join(', ') || 'none'}), found no card`,
      { file: cardPath },
      error,
    );
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new IntegrityError('bad-fra-card', 'FRA model card is not JSON', { file: cardPath }, error);
  }
  const card = parseFraCard(content, cardPath);
  const path = (name: FraFileName) => join(folder, name);
  const bankBytes = await checkedFile(path('posture-bank.arrow'), card, 'posture-bank.arrow');
  for (const name of ['encoder.onnx', 'decoder.onnx', 'combiner.onnx'] as const) {
    await checkedFile(path(name), card, name);
  }
  const bank = decodePostureBank(bankBytes, path('posture-bank.arrow'));
  if (bank.ids.length !== card.bank.postures) {
    throw new IntegrityError('bad-posture-bank', 'posture bank and card disagree', {
      card: card.bank.postures,
      bank: bank.ids.length,
    });
  }
  const paths = {
    encoder: path('encoder.onnx'),
    decoder: path('decoder.onnx'),
    combiner: path('combiner.onnx'),
  };
  return { folder, card, paths, bank };
}

async function checkedFile(path: string, card: FraCard, name: FraFileName): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new IntegrityError('fra-file-missing', 'file of a FRA model cannot be read', { path }, error);
  }
  const sha256 = sha256Hex(bytes);
  if (sha256 !== card.files[name].sha256) {
    throw new IntegrityError('fra-file-altered', 'file of a FRA model is not the one its card names', {
      path,
      expected: card.files[name].sha256,
      found: sha256,
    });
  }
  return bytes;
}
