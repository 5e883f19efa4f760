import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEvaluationReporter } from '../../../src/cli/evaluationReporter.ts';
import { isTerminal, openLastLine } from '../../../src/cli/output/lastLine.ts';
import { openTrainReporter } from '../../../src/cli/trainReporter.ts';

const CLEARED = '\r\x1b[2K';

function record(columns = 40) {
  let text = '';
  const out = { isTTY: true, write: (chunk: string) => (text += chunk), columns };
  return { out: out as unknown as NodeJS.WriteStream, text: () => text };
}

/** Runs with another TERM. */
function withTerm(term: string, work: () => void): void {
  const before = process.env.TERM;
  process.env.TERM = term;
  try {
    work();
  } finally {
    if (before === undefined) delete process.env.TERM;
    else process.env.TERM = before;
  }
}

test('the progress of an evaluation fits the terminal, and is gone before anything else is written', () =>
  withTerm('xterm', () => {
    const { out, text } = record();
    let now = 0;
    const reporter = openEvaluationReporter(out, () => now);
    reporter.stage('rows');
    now += 1_000;
    reporter.progress(12, 24, `curves of ${'many '.repeat(20)}people`);
    const line = text().split(CLEARED).at(-1) ?? '';
    assert.match(line, /^rows 12\/24 · 1 s left · curves of .*…$/);
    assert.ok(line.length < 40, line);
    reporter.clear();
    assert.ok(text().endsWith(`${line}${CLEARED}`));
  }));

test('the progress fits a terminal that does not say its width, and one of hardly any', () =>
  withTerm('xterm', () => {
    for (const [columns, longest] of [
      [0, 79],
      [1, 1],
      [12, 11],
    ] as const) {
      const { out, text } = record(columns);
      openLastLine(out).rewrite('many '.repeat(40));
      const line = text().split(CLEARED).at(-1) ?? '';
      assert.ok(line.length <= longest, `${columns} columns: ${line}`);
    }
  }));

test('work whose end nobody knows has no total and no time left', () =>
  withTerm('xterm', () => {
    const { out, text } = record();
    let now = 0;
    const reporter = openEvaluationReporter(out, () => now);
    reporter.stage('lfw');
    now += 1_000;
    reporter.progress(12, undefined, 'photographs');
    assert.equal(text().split(CLEARED).at(-1), 'lfw 12 · photographs');
  }));

test('the progress of a training fits the terminal, and is gone before the next stage', () =>
  withTerm('xterm', () => {
    const { out, text } = record();
    const reporter = openTrainReporter(false, out);
    reporter.progress(5, 5, `loss ${'0.1234 '.repeat(20)}`);
    const line = text().split(CLEARED).at(-1) ?? '';
    assert.ok(line.length < 40, line);
    reporter.stage('combiner');
    assert.ok(text().endsWith(`${line}${CLEARED}${CLEARED}— combiner\n`), JSON.stringify(text()));
  }));

test('a training of more than a step a second shows steps a second, a slower one seconds a step', () =>
  withTerm('dumb', () => {
    const { out, text } = record();
    let now = 0;
    const reporter = openTrainReporter(false, out, () => now);
    for (const [stage, seconds] of [
      ['samples', 4],
      ['autoencoder', 20],
      ['combiner', 330],
    ] as const) {
      reporter.stage(stage);
      now += 1000 * seconds;
      reporter.progress(1, 10, '');
      reporter.progress(10, 10, '');
    }
    assert.match(text(), /^samples 10\/10 · 2\.5\/s · /m);
    assert.match(text(), /^autoencoder 10\/10 · 2\.0 s each · /m);
    assert.match(text(), /^combiner 10\/10 · 33\.0 s each · /m);
  }));

test('a dumb terminal gets lines, as a log does', () =>
  withTerm('dumb', () => {
    const { out, text } = record();
    assert.equal(isTerminal(out), false);
    let now = 0;
    const reporter = openEvaluationReporter(out, () => now);
    reporter.stage('rows');
    now += 20_000;
    reporter.progress(12, 24, '');
    openTrainReporter(false, out).progress(5, 5, '');
    reporter.clear();
    assert.ok(!text().includes(CLEARED), text());
    assert.match(text(), /^— rows\nrows 12\/24 · 20 s left\n/);
  }));
