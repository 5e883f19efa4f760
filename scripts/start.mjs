// `npm start`: sets up, then runs the main job on the sample corpus.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './setup.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const job = spawn(
  process.execPath,
  [join('bin', 'posecast.js'), 'run', join('samples', 'london'), join('out', 'sample')],
  { cwd: root, stdio: 'inherit' },
);
// A terminal's Ctrl-C reaches the job by itself; wait for it to put everything in order.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => job.kill('SIGTERM'));
job.on('exit', (code) => process.exit(code ?? 1));
