// `npm run test:python`: other people's readers open what posecast writes. Needs python3 with venv, and PyPI; without
// Python it says so and skips. The virtual environment lives in the user's cache, never in the tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const requirements = join('test', 'python', 'requirements.txt');
const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const venv = join(cache, 'posecast', `python-${digest}`);
const python = join(venv, 'bin', 'python');

if (spawnSync('python3', ['--version']).status !== 0) {
  console.log('skipped: no python3 here');
  process.exit(0);
}
if (!existsSync(join(venv, 'ready'))) {
  run('python3', ['-m', 'venv', '--clear', venv]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
  run(python, ['-c', `open(${JSON.stringify(join(venv, 'ready'))}, "w").close()`]);
}
const folder = mkdtempSync(join(tmpdir(), 'posecast-python-'));
try {
  for (const flags of [[], ['--embedding-type', 'float16'], ['--format', 'arrow']]) {
    const out = join(folder, flags.join('') || 'default');
    const optional = ['--with-landmarks', '--with-posture-code', '--shard-faces', '8'];
    run(process.execPath, ['bin/posecast.js', 'run', 'samples/london', out, ...optional, ...flags]);
    run(python, [join('test', 'python', 'readers.py'), out]);
  }
  const shards = join(folder, 'webdataset');
  run(python, [join('test', 'python', 'write_webdataset.py'), 'samples/london', shards]);
  for (const form of ['cls', 'json', 'folder', 'key']) {
    const out = join(folder, `webdataset-${form}`);
    const pattern = join(shards, `${form}-{000000..000002}.tar`);
    run(process.execPath, ['bin/posecast.js', 'run', pattern, out, '--variants', '0']);
    run(python, [join('test', 'python', 'same_embeddings.py'), join(folder, 'default'), out]);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(program, args) {
  const { status } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) {
    console.error(`"${[program, ...args].join(' ')}" failed`);
    process.exit(1);
  }
}
