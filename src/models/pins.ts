/**
 * Checksums of sources that the registry does not know: of a download the first one, to which later ones are held; of a
 * file on this machine the last one.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { IntegrityError } from '../shared/errors.ts';
import { sha256Hex, sha256Schema } from '../shared/sha256.ts';
import { cacheRoot } from './cache.ts';

const pinSchema = z.strictObject({ source: z.string(), sha256: sha256Schema });

/**
 * Holds a source without a known checksum to what it was at the first download. Throws IntegrityError when it
 * is another file now.
 */
export async function checkPin(source: string, found: string): Promise<void> {
  const pinned = await readPin(source);
  if (pinned === undefined || pinned === found) return;
  throw new IntegrityError(
    'wrong-checksum',
    `file has changed since its first download: expected sha256 ${pinned}, found ${found}; delete the pin to accept it`,
    { source, pin: pinPath(source) },
  );
}

/** The pinned checksum of a source. Throws IntegrityError when the pin is damaged. */
export async function readPin(source: string): Promise<string | undefined> {
  const text = await readFile(pinPath(source), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return pinSchema.parse(JSON.parse(text)).sha256;
  } catch (error) {
    const expected =
      'pin is damaged: expected JSON with source and sha256; delete it to accept the file as it is now';
    throw new IntegrityError('bad-pin', expected, { source, pin: pinPath(source) }, error);
  }
}

/** Pins a source's checksum; the first pin wins. */
export async function writePin(source: string, found: string): Promise<void> {
  const temporary = await writeTemporary(source, found);
  try {
    await link(temporary, pinPath(source));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    await checkPin(source, found);
  } finally {
    await unlink(temporary);
  }
}

/** Pins a source's checksum in place of an earlier one. */
export async function replacePin(source: string, found: string): Promise<void> {
  await rename(await writeTemporary(source, found), pinPath(source));
}

async function writeTemporary(source: string, found: string): Promise<string> {
  const path = pinPath(source);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, `${JSON.stringify({ source, sha256: found })}\n`);
  return temporary;
}

function pinPath(source: string): string {
  const key = sha256Hex(source).slice(0, 32);
  return join(cacheRoot(), 'pins', `${key}.json`);
}
