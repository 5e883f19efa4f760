/** The text files of models, damaged: registry and FRA card. Binary ones are in damagedFiles.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fraDigest, parseFraCard } from '../../src/fra/modelCard.ts';
import { loadRegistry } from '../../src/models/registry.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { cases, forSeeds } from './cases.ts';
import { mutateJson, mutateValue } from './mutateJson.ts';
import { readOrRefuse } from './outcome.ts';

const shipped = join(packageRoot, 'models', 'fra', 'fr-feature');
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

test('a damaged registry is read or refused in one clear line', () =>
  withTempFolder(async (folder) => {
    const original = readJson(join(packageRoot, 'models', 'models.json'));
    const path = join(folder, 'registry.json');
    await forSeeds('registry', cases(200, 2_000), async (seed) => {
      await writeFile(path, mutateJson(original, seed));
      const found = await readOrRefuse(() => loadRegistry(path));
      for (const name of found?.defaults ?? []) assert.ok(found?.entries.has(name));
    });
  }));

test('a damaged model card is read or refused in one clear line', () => {
  const original = readJson(join(shipped, 'card.json'));
  return forSeeds('model card', cases(200, 2_000), async (seed) => {
    const card = await readOrRefuse(() => parseFraCard(mutateValue(original, seed), '/models/card.json'));
    if (card !== undefined) assert.match(fraDigest(card), /^[0-9a-f]{64}$/);
  });
});
