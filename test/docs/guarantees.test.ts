/** docs/guarantees.md names tests by their titles. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../src/shared/package.ts';

const read = (path: string) => readFile(join(packageRoot, path), 'utf8');

/** The named tests below a folder. */
async function assertNamed(isMeant: (file: string) => boolean): Promise<void> {
  const named = [...(await read('docs/guarantees.md')).matchAll(/^- `(test\/[^`]+\.ts)`: (.+)$/gm)];
  let found = 0;
  for (const [, file = '', title = ''] of named) {
    if (!isMeant(file)) continue;
    assert.ok((await read(file)).includes(title), `${file} has a test named "${title}"`);
    found++;
  }
  assert.ok(found > 0);
}

const isFault = (file: string) => file.startsWith('test/faults/');

test('every test that the guarantees name is there', () => assertNamed((file) => !isFault(file)));

const skip = existsSync(join(packageRoot, 'test', 'faults')) ? false : 'test/faults is not here';

test('every random fault that the guarantees name is there', { skip }, () => assertNamed(isFault));

test('every sentence of the guarantees names a test', async () => {
  const [promises = ''] = (await read('docs/guarantees.md')).split('## Not promised');
  const sentences = promises.split(/^(?=\*\*)/m).slice(1);
  assert.ok(sentences.length > 10);
  for (const sentence of sentences) assert.match(sentence, /^- `test\//m, sentence.slice(0, 80));
});
