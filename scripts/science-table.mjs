// The tables of docs/science.md as Markdown, from a report of `posecast evaluate` or from a folder of trained models:
//
//   node scripts/science-table.mjs OUT/fr-feature-main/evaluation.json
//   node scripts/science-table.mjs OUT/fr-feature
//
// Per cent; in brackets, of a report, the interval of the paired difference to the row "none"; of models, that of the
// value.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const METRICS = { ncm: 'NCM', svmLinear: 'linear SVM', head: 'head', eer: 'EER', tar2: 'TAR@1 %' };
const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error(
    'expected a report or a folder of models: node scripts/science-table.mjs OUT/evaluation.json',
  );
  process.exit(2);
}
if (statSync(path).isDirectory()) printModels(path);
else printReport(JSON.parse(readFileSync(path, 'utf8')));

function printModels(folder) {
  const cards = readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'card.json')))
    .map((name) => ({ name, ...JSON.parse(readFileSync(join(folder, name, 'card.json'), 'utf8')) }))
    .sort((a, b) => a.metrics.combiner.retrieval.loss - b.metrics.combiner.retrieval.loss);
  console.log('| model | loss | rank-1 | posture shuffled | removed | cosine to target | multiply-adds |');
  console.log('|---|--:|--:|--:|--:|--:|--:|');
  for (const { name, metrics, architecture } of cards) {
    const { retrieval, shuffledPosture, removedPosture, similarityToTarget } = metrics.combiner;
    const { low, high } = retrieval.rank1Interval;
    const cells = [
      retrieval.loss.toFixed(4),
      `${percent(retrieval.rank1)} (${percent(low)} … ${percent(high)})`,
      percent(shuffledPosture.rank1),
      percent(removedPosture.rank1),
      similarityToTarget.toFixed(3),
      `${(architecture.cost.multiplyAdds / 1e6).toFixed(1)} M`,
    ];
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}

function printReport({ recognizers }) {
  for (const recognizer of recognizers) printRecognizer(recognizer);
}

function printRecognizer({ name, embedDim, rows, smallestDetectableGain }) {
  const ncmOf = (id) => rows.find((row) => row.id === id)?.metrics.ncm?.value;
  const [none, oracle] = [ncmOf('none'), ncmOf('oracle')];
  console.log(`## \`${name}\` (${embedDim} values)\n`);
  console.log(`| row | ${Object.values(METRICS).join(' | ')} | gap closed |`);
  console.log(
    `|---|${Object.values(METRICS)
      .map(() => '--:|')
      .join('')}--:|`,
  );
  for (const { id, label, kind, trainedOn, metrics } of rows) {
    const what = kind === 'generator' ? `**${label}**` : `${label}${suffix(trainedOn)}`;
    const cells = Object.keys(METRICS).map((metric) => cell(metrics[metric]));
    const closed = (metrics.ncm.value - none) / (oracle - none);
    console.log(
      `| ${what} | ${cells.join(' | ')} | ${id === 'none' || id === 'oracle' ? '' : `${percent(closed, 0).replace('-', '−')} %`} |`,
    );
  }
  const smallest = Object.entries(METRICS).map(
    ([metric, text]) => `${text} ${percent(smallestDetectableGain[metric])}`,
  );
  console.log(`\nsmallest gains found in four of five such evaluations, points: ${smallest.join(', ')}\n`);
  const bins = rows[0].byYaw.map(({ from, to, probes }) => `${from}–${to}° (${probes})`);
  console.log(`| NCM by yaw of the probe | ${bins.join(' | ')} |\n|---|${bins.map(() => '--:|').join('')}`);
  for (const { label, kind, trainedOn, byYaw } of rows) {
    if (kind === 'ablation') continue;
    console.log(
      `| ${label}${suffix(trainedOn)} | ${byYaw.map(({ ncm }) => percent(ncm.value, 0)).join(' | ')} |`,
    );
  }
  console.log('');
}

/** What a rival learnt from, where two rows differ in nothing else. */
function suffix(trainedOn) {
  if (trainedOn.includes('test people included')) return ' **(leaked)**';
  if (trainedOn.startsWith('real pairs') && !trainedOn.includes('synthetic')) return ', real pairs';
  return trainedOn.startsWith('synthetic pairs') ? ', rendered pairs' : '';
}

function cell({ value, difference }) {
  if (difference === undefined) return percent(value);
  return `${percent(value)} (${signed(difference.low)} … ${signed(difference.high)})`;
}

function percent(share, digits = 1) {
  return (100 * share).toFixed(digits);
}

function signed(share) {
  return `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
}
