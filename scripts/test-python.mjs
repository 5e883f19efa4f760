// `npm run test:python`: other people's readers open what posecast writes, posecast reads what their writers write, and
// the scripts of examples/ and the lines that a run prints do their work. Needs python3 with venv, and PyPI; without
// Python it says so and skips. The virtual environment lives in the user's cache, never in the tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

const requirements = join('examples', 'requirements.txt');
// Only its C library is used; its own requirements would take numpy back by years.
const mxnet = join('test', 'python', 'requirements-mxnet.txt');
const digest = createHash('sha256')
  .update(readFileSync(requirements))
  .update(readFileSync(mxnet))
  .digest('hex')
  .slice(0, 12);
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
  if (hasMxnet()) run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--requirement', mxnet]);
  run(python, ['-c', `open(${JSON.stringify(join(venv, 'ready'))}, "w").close()`]);
}
/** Standard output is kept, to be looked at. */
const PRINTED = ['ignore', 'pipe', 'inherit'];
const folder = mkdtempSync(join(tmpdir(), 'posecast-python-'));
try {
  const optional = ['--with-landmarks', '--with-posture-code', '--shard-faces', '8'];
  for (const [name, flags] of Object.entries({
    parquet: [],
    float16: ['--embedding-type', 'float16'],
    arrow: ['--format', 'arrow'],
  })) {
    // A relative OUT, as most are.
    const printed = expand('samples/london', relative('.', join(folder, name)), ...optional, ...flags);
    python3(join('test', 'python', 'readers.py'), join(folder, name));
    readAsPrinted(printed, join(folder, name));
  }
  const shards = join(folder, 'webdataset');
  python3(join('test', 'python', 'write_webdataset.py'), 'samples/london', shards);
  for (const form of ['cls', 'json', 'folder', 'key']) {
    const out = join(folder, `webdataset-${form}`);
    const pattern = join(shards, `${form}-{000000..000002}.tar`);
    expand(pattern, out, '--variants', '0');
    python3(join('test', 'python', 'same_embeddings.py'), join(folder, 'parquet'), out);
  }
  tablesAndRecords(join(folder, 'parquet'));
  // A corpus that grew, with a name that needs care in SQL: readers need to know nothing of it.
  const people = join(folder, 'people');
  cpSync('samples/london', people, { recursive: true });
  renameSync(join(people, '001'), join(people, "'t Hooft"));
  const corpus = join(folder, 'corpus');
  cpSync(people, corpus, { recursive: true, filter: (path) => !path.endsWith('smile.jpg') });
  expand(corpus, join(folder, 'appended'), ...optional);
  cpSync(people, corpus, { recursive: true });
  expand(corpus, join(folder, 'appended'), ...optional, '--append');
  python3(join('test', 'python', 'readers.py'), join(folder, 'appended'));

  for (const out of ['parquet', 'appended', 'arrow']) {
    example('pyarrow_matrix.py', out);
    example('polars_frame.py', out);
    example('lance_neighbours.py', out, `${out}-lance`);
    example('train_head.py', out);
    if (out === 'arrow') continue;
    example('hugging_face.py', out);
    example('duckdb_queries.py', out);
  }
  // Folders that DuckDB would take for a column, and for a pattern that others match too.
  for (const name of ['variants=99', 'kind=real', 'files=1', 'parquet [1]', 'parqu*t']) {
    cpSync(join(folder, 'parquet'), join(folder, name), { recursive: true });
    example('duckdb_queries.py', name);
  }
  // A corpus with a label of a common name, and an OUT that would be taken for a pattern.
  const labelled = ['--image-root', join('samples', 'london'), '--label-columns', 'label', '--variants', '2'];
  expand(join(folder, 'tables', 'paths.parquet'), join(folder, 'labelled [1]'), ...labelled);
  for (const script of ['pyarrow_matrix.py', 'polars_frame.py', 'hugging_face.py'])
    example(script, 'labelled [1]');
  console.log(
    'examples/torch_dataset.py: not run (PyTorch takes gigabytes; examples/README.md has a run by hand)',
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** The sample photographs, in archives and tables that other people's tools write, give what the folder gave. */
function tablesAndRecords(expected) {
  const samples = join('samples', 'london');
  const tables = join(folder, 'tables');
  run(python, [join('test', 'python', 'write_tables.py'), samples, tables]);
  const all = {
    'embedded.parquet': [join(tables, 'embedded.parquet'), '--label-columns', 'expression,age:integer'],
    'hugging-face': [join(tables, 'hugging')],
    'paths.parquet': [join(tables, 'paths.parquet'), '--image-root', samples],
    'embedded.arrow': [join(tables, 'embedded.arrow')],
    'polars.arrow': [join(tables, 'polars.arrow')],
    'saved by datasets': [join(tables, 'saved')],
  };
  const parquet = join(folder, 'parquet-files');
  run(python, [join('test', 'python', 'write_parquet.py'), parquet]);
  run(process.execPath, [join('dist', 'test', 'python', 'readParquet.js'), parquet]);
  if (hasMxnet()) {
    run(python, [join('test', 'python', 'write_recordio.py'), samples, join(folder, 'train')]);
    all['train.rec'] = [join(folder, 'train.rec')];
  } else console.log('skipped: RecordIO by libmxnet, which PyPI has for Linux on x86-64 only');
  for (const [name, args] of Object.entries(all)) {
    const out = join(folder, `out-${name}`);
    run(process.execPath, ['bin/posecast.js', 'run', args[0], out, '--variants', '0', ...args.slice(1)]);
    run(python, [join('test', 'python', 'same_embeddings.py'), expected, out]);
  }
}

function hasMxnet() {
  return process.platform === 'linux' && process.arch === 'x64';
}

/** What the run prints. */
function expand(corpus, out, ...flags) {
  return run(process.execPath, ['bin/posecast.js', 'run', corpus, out, ...flags], { stdio: PRINTED });
}

/** The lines of Python at the end of what a run printed read all its rows. */
function readAsPrinted(printed, out) {
  const [, lines] = printed.split('open it in Python (pip install pyarrow):\n');
  const { totals } = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8'));
  const check = `assert len(table) == ${totals.rows}, len(table)`;
  python3('-c', [...lines.split('\n').map((line) => line.trim()), check].join('\n'));
}

/** With OUT as most people write it: relative. */
function example(script, ...args) {
  console.log(`examples/${script} ${args.join(' ')}`);
  run(python, [resolve('examples', script), ...args], { cwd: folder });
}

function python3(...args) {
  run(python, args);
}

function run(program, args, options = {}) {
  const { status, stdout } = spawnSync(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
    ...options,
  });
  if (stdout) process.stdout.write(stdout);
  if (status !== 0) {
    console.error(`"${[program, ...args].join(' ')}" failed`);
    process.exit(1);
  }
  return stdout;
}
