// Runs the compiled tests with Node's own runner: those that are not long, or with --long the others. Words choose
// among all of them: `node scripts/test.mjs store` runs every test file whose path contains "store".
import { readdirSync } from 'node:fs';
import { normalize, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';

const FOLDER = 'dist/test';

/**
 * Beginnings of the paths of those that take two thirds of the time together: whole runs by real processes that are
 * stopped, killed and cut off, and trainings (docs/decisions/tests-in-two-parts.md).
 */
const LONG = [
  'bench/benches',
  'cli/bench.test',
  'cli/output/lostReaders',
  'controls/',
  'dashboard/browser',
  'e2e/append',
  'e2e/badRequest',
  'e2e/engines',
  'e2e/evaluate',
  'e2e/fleet',
  'e2e/formats',
  'e2e/tablesAndRecords',
  'e2e/withoutPose',
  'faults/',
  'hostile/bombs',
  'hostile/secrets',
  'producer/submit.test',
  'soak/',
  'training/trainCommand',
];
/** Those that take longest: begun last, they would run on alone when everything else is done. */
const FIRST = ['training/trainCommand', 'e2e', 'evaluate', 'controls', 'faults', 'training'];
/** Tests wait for servers and processes a good part of their time. */
const FILES_AT_ONCE = 3;
/** A file that takes longer hangs; a busy machine may be several times slower than an idle one. */
const FILE_MS = 1_200_000;

const { values, positionals: words } = parseArgs({
  options: { long: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const all = readdirSync(FOLDER, { recursive: true })
  .filter((file) => file.endsWith('.test.js'))
  .sort();
const beginsWith = (file) => (beginning) => file.startsWith(normalize(beginning));
const unknown = [...LONG, ...FIRST].filter((beginning) => !all.some((file) => beginsWith(file)(beginning)));
if (unknown.length > 0) throw new Error(`no test file begins with ${unknown.join(', ')}`);
const isLong = (file) => LONG.some(beginsWith(file));
const rank = (file) => (FIRST.some(beginsWith(file)) ? FIRST.findIndex(beginsWith(file)) : FIRST.length);
const files = all
  .filter((file) =>
    words.length > 0 ? words.every((word) => file.includes(word)) : isLong(file) === values.long,
  )
  .sort((a, b) => rank(a) - rank(b));
if (files.length === 0) {
  console.error(`no test file matches [words=${words.join(' ')}]`);
  process.exit(2);
}
// Every file is a process of its own, with the options of this one.
process.execArgv.push('--enable-source-maps');
run({ files: files.map((file) => resolve(FOLDER, file)), concurrency: FILES_AT_ONCE, timeout: FILE_MS })
  .on('test:fail', () => {
    process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);
