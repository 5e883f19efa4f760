// Runs the compiled tests with Node's own runner. Arguments narrow the run: `node scripts/test.mjs store` runs
// every test file whose path contains "store".
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Folders whose files take longest: begun last, they would run on alone when everything else is done. */
const FIRST = ['training', 'evaluate', 'faults', 'controls', 'e2e'];
/** Tests wait for servers and processes a good part of their time. */
const FILES_AT_ONCE = 3;
/** A file that takes longer hangs; a busy machine may be several times slower than an idle one. */
const FILE_MS = 1_200_000;

const words = process.argv.slice(2);
const rank = (file) => {
  const place = FIRST.findIndex((folder) => file.startsWith(join('dist/test', folder)));
  return place === -1 ? FIRST.length : place;
};
const files = readdirSync('dist/test', { recursive: true })
  .map((file) => join('dist/test', file))
  .filter((file) => file.endsWith('.test.js') && words.every((word) => file.includes(word)))
  .sort()
  .sort((a, b) => rank(a) - rank(b));
if (files.length === 0) {
  console.error(`no test file matches [words=${words.join(' ')}]`);
  process.exit(2);
}
// Every file is a process of its own, with the options of this one.
process.execArgv.push('--enable-source-maps');
run({ files: files.map((file) => resolve(file)), concurrency: FILES_AT_ONCE, timeout: FILE_MS })
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);
