// Writes the table of docs/performance.md from bench/results/: of every bench its newest report.
//
//   node scripts/bench-table.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMet } from '../dist/bench/performance/report.js';

const RESULTS = 'bench/results';
const PAGE = 'docs/performance.md';
const [BEGIN, END] = ['<!-- table: scripts/bench-table.mjs -->', '<!-- end of table -->'];
/** In the order of a face's way; what is not named comes last. */
const ORDER = [
  ...[
    'pipeline',
    'networks',
    'detection',
    'variants',
    'tables',
    'queue',
    'planning',
    'workers',
    'fleet',
    'start',
  ],
  ...['faceapi', 'opencv', 'pythonteams'],
];

const newest = new Map();
for (const file of readdirSync(RESULTS).sort()) {
  const { date, reports } = JSON.parse(readFileSync(join(RESULTS, file), 'utf8'));
  for (const report of reports) newest.set(report.bench, { ...report, date });
}
const place = ({ bench }) => (ORDER.includes(bench) ? ORDER.indexOf(bench) : ORDER.length);
const reports = [...newest.values()].sort((a, b) => place(a) - place(b));
const lines = [
  '| what | reached | limit | ratio (least–most of rounds) | wanted | |',
  '|---|--:|---|--:|--:|---|',
  ...reports.flatMap(({ bench, rows, skipped }) => [
    ...rows.map((row) => {
      const [least, most] = row.spread.map(ratio);
      return cells(
        `\`${bench}\`: ${row.what}`,
        `${figure(row.value)} ${row.unit}`,
        `${figure(row.limit)} ${row.unit}: ${row.limitOf}`,
        `${ratio(row.ratio)} (${least}–${most})`,
        `${row.atLeast ? '≥' : '≤'} ${row.target}`,
        isMet(row) ? 'reached' : '**missed**',
      );
    }),
    ...skipped.map((why) => cells(`\`${bench}\`: not measured`, '', why, '', '', '')),
  ]),
];
const page = readFileSync(PAGE, 'utf8');
const [before, rest] = split(page, BEGIN);
const [, after] = split(rest, END);
writeFileSync(PAGE, `${before}${BEGIN}\n\n${lines.join('\n')}\n\n${END}${after}`);

function split(text, mark) {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`${PAGE}: expected ${mark}`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}

function cells(...texts) {
  return `| ${texts.join(' | ')} |`;
}

/** Three digits that count. */
function figure(value) {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(3)).toString();
}

function ratio(value) {
  return Math.abs(value) >= 0.995 || value === 0 ? value.toFixed(2) : Number(value.toPrecision(2)).toString();
}
