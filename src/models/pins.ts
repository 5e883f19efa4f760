/** Checksums pinned at the first download, for sources whose checksum the registry does not know. */
import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { IntegrityError } from '../shared/errors.ts';
import { cacheRoot } from './cache.ts';

const pinSchema = z.strictObject({ source: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

/**
 * Holds a source without a known checksum to what it was at the first download. Throws IntegrityError when it
 * is another file now.
 */
export async function checkPin(source: string, found: string): Promise<void> {
  const path = pinPath(source);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const pin = pinSchema.parse(JSON.parse(text));
  if (pin.sha256 === found) return;
  throw new IntegrityError(
    'wrong-checksum',
    `file is another one than at the first download: expected sha256 ${pin.sha256}, found ${found}; delete the pin to accept it`,
    { source, pin: path },
  );
}

/** Pins a source's checksum; the first pin wins. */
export async function writePin(source: string, found: string): Promise<void> {
  const path = pinPath(source);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, `${JSON.stringify({ source, sha256: found })}\n`);
  try {
    await link(temporary, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    await checkPin(source, found);
  } finally {
    await unlink(temporary);
  }
}

function pinPath(source: string): string {
  const key = createHash('sha256').update(source).digest('hex').slice(0, 32);
  return join(cacheRoot(), 'pins', `${key}.json`);
}
