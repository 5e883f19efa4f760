// Every bench of bench/performance, or those whose names contain one of the words, one after another, each in a process
// of its own. Prints one table; a full run is kept in bench/results/.
//
//   npm run bench [WORDS…] [-- --quick]
//
// --quick: the smallest sensible runs, to see that everything works; the figures mean nothing and are not kept. Other
// flags are handed to the benches.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { isMet } from '../dist/bench/performance/report.js';

/** Files of the folder that are run by hand, or not at all. */
const NO_BENCHES = ['report', 'billion'];
const FOLDER = 'dist/bench/performance';
const RESULTS = 'bench/results';
/**
 * ONNX Runtime for Node copies every answer into new memory. Of variants, a megabyte a run that takes less than a
 * millisecond, most of the time would go to pages that are touched for the first time; so the C library keeps what is
 * freed.
 */
const KEEPS_MEMORY = { MALLOC_TRIM_THRESHOLD_: String(2 ** 30), MALLOC_MMAP_THRESHOLD_: String(2 ** 25) };
const ENVIRONMENTS = { variants: KEEPS_MEMORY };

const flags = process.argv.slice(2).filter((word) => word.startsWith('--'));
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.js'))
  .map((file) => basename(file, '.js'))
  .filter((name) => !NO_BENCHES.includes(name))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort();
if (names.length === 0) {
  console.error(`no bench matches [words=${words.join(' ')}]`);
  process.exit(2);
}

const machine = {
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryMb: Math.round(totalmem() / 2 ** 20),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
};
// A bench ends what it started and removes its folders before it ends.
let running;
let isStopped = false;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => {
    isStopped = true;
    running?.kill(name);
  });
}
const loadBefore = loadavg();
const started = performance.now();
const reports = [];
const broken = [];
for (const name of names) {
  console.error(`${name} …`);
  const start = performance.now();
  const report = await runBench(name);
  if (isStopped) process.exit(130);
  const seconds = (performance.now() - start) / 1000;
  if (report === undefined) broken.push(name);
  else reports.push({ ...report, seconds: Number(seconds.toFixed(1)) });
  console.error(`${name}: ${seconds.toFixed(0)} s`);
}
const result = {
  ...machine,
  loadBefore,
  loadAfter: loadavg(),
  versions: Object.assign({}, ...reports.map(({ versions }) => versions ?? {})),
  reports,
  broken,
};
printTable();
if (!flags.includes('--quick')) {
  mkdirSync(RESULTS, { recursive: true });
  const file = join(RESULTS, `${machine.date.slice(0, 19).replaceAll(':', '-')}.json`);
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`kept in ${file}`);
}
if (broken.length > 0) {
  console.error(`broken: ${broken.join(', ')}`);
  process.exitCode = 1;
}

/** The report on the last line of a bench's output; undefined when it ended badly. */
async function runBench(name) {
  running = spawn(process.execPath, ['--enable-source-maps', join(FOLDER, `${name}.js`), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...ENVIRONMENTS[name] },
  });
  const closed = once(running, 'close');
  let output = '';
  running.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const [code, signal] = await closed;
  if (code !== 0) {
    console.error(`${name} ended with ${code ?? signal}`);
    return undefined;
  }
  try {
    return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
  } catch {
    console.error(`${name}: expected a report on the last line, found ${JSON.stringify(output.slice(-200))}`);
    return undefined;
  }
}

function printTable() {
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  const load = (values) => values[0].toFixed(1);
  console.log(`${machine.cpu}, ${machine.cores} cores, node ${machine.node}; ${minutes} minutes`);
  console.log(`load average ${load(loadBefore)} before, ${load(loadavg())} after`);
  const head = ['', 'value', 'limit', 'ratio', 'spread', 'target', ''];
  const body = reports.flatMap(({ bench, rows, skipped }) => [
    [bench],
    ...rows.map((row) => [
      `  ${row.what}`,
      `${figure(row.value)} ${row.unit}`,
      `${figure(row.limit)} ${row.unit} (${row.limitOf})`,
      row.ratio.toFixed(3),
      `${row.spread.map((ratio) => ratio.toFixed(3)).join('–')} ×${row.rounds}`,
      `${row.atLeast ? '≥' : '≤'} ${row.target}`,
      isMet(row) ? 'reached' : 'MISSED',
    ]),
    ...skipped.map((why) => [`  not measured: ${why}`]),
  ]);
  const widths = head.map((_, i) =>
    Math.max(...[head, ...body].filter((row) => row.length > 1).map((row) => row[i].length)),
  );
  for (const row of [head, ...body]) {
    console.log(
      row.length === 1
        ? row[0]
        : row
            .map((cell, i) => cell.padEnd(widths[i]))
            .join('  ')
            .trimEnd(),
    );
  }
}

/** Three digits that count. */
function figure(value) {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 4;
  return value.toFixed(digits);
}
