// Runs the compiled tests with Node's own runner. Arguments narrow the run: `node scripts/test.mjs store` runs
// every test file whose path contains "store".
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const words = process.argv.slice(2);
const files = readdirSync('dist/test', { recursive: true })
  .map((file) => join('dist/test', file))
  .filter((file) => file.endsWith('.test.js') && words.every((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches [words=${words.join(' ')}]`);
  process.exit(2);
}
const runner = spawn(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-concurrency=2',
    '--test-reporter=spec',
    '--test-timeout=300000',
    ...files,
  ],
  { stdio: 'inherit' },
);
runner.on('exit', (code) => process.exit(code ?? 1));
