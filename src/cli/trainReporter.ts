/** What a person, or a machine, sees while a training works. */
import { join } from 'node:path';
import type { FraCard } from '../fra/modelCard.ts';
import type { LogEntry } from '../fra/training/loop.ts';
import type { TrainHooks } from '../training/trainConfig.ts';
import { duration } from './output/format.ts';
import { isTerminal, openLastLine } from './output/lastLine.ts';

const PLAIN_EVERY_MS = 10_000;

export interface TrainReporter extends Omit<TrainHooks, 'signal'> {
  readonly note: (line: string) => void;
  readonly finish: (card: FraCard, out: string) => void;
  /** Takes the progress off a terminal, for what is written next. */
  readonly clear: () => void;
}

/**
 * A line that rewrites itself on a terminal, a plain line now and then in a log, JSON for machines.
 * @param clock milliseconds; an argument so that tests own the time
 */
export function openTrainReporter(
  json: boolean,
  out: NodeJS.WriteStream = process.stderr,
  clock: () => number = () => performance.now(),
): TrainReporter {
  const terminal = isTerminal(out) && !json;
  const lastLine = openLastLine(out);
  let stage = '';
  let since = clock();
  let startedAt: number | undefined;
  let shownAt = -Infinity;
  const write = (line: string) => {
    if (terminal) lastLine.above(line);
    else out.write(`${line}\n`);
  };
  const emit = (event: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(event)}\n`);
  return {
    note: (message) => (json ? emit({ event: 'note', message }) : write(message)),
    stage(name) {
      [stage, since, startedAt] = [name, clock(), undefined];
      lastLine.clear();
      if (json) emit({ event: 'stage', stage });
      else write(`— ${stage}`);
    },
    progress(done, total, note) {
      const now = clock();
      startedAt ??= done - 1;
      if (now - shownAt < (terminal ? 500 : PLAIN_EVERY_MS) && done !== total) return;
      shownAt = now;
      const rate = (done - startedAt) / Math.max(1e-3, (now - since) / 1000);
      const left = duration((total - done) / rate);
      if (json) emit({ event: 'progress', stage, done, total, rate, note });
      else {
        const line = `${stage} ${done}/${total} · ${speed(rate)} · ${left} left · ${note}`;
        if (terminal) lastLine.rewrite(line);
        else out.write(`${line}\n`);
      }
    },
    log(name, entry) {
      if (json) emit({ event: 'log', stage: name, ...entry });
      else write(describeEntry(name, entry));
    },
    finish(card, folder) {
      lastLine.clear();
      if (json) emit({ event: 'done', out: folder, card });
      else process.stdout.write(`${describeCard(card, folder)}\n`);
    },
    clear: () => lastLine.clear(),
  };
}

/** @param rate steps, or photographs, a second; a step of a large network takes seconds. */
function speed(rate: number): string {
  return rate < 1 ? `${(1 / rate).toFixed(1)} s each` : `${rate.toFixed(1)}/s`;
}

function describeEntry(stage: string, { step, losses, validation }: LogEntry): string {
  const numbers = (values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value.toFixed(4)}`)
      .join(' · ');
  return `${stage} step ${step}: ${numbers(losses)} | validation people: ${numbers(validation.measures)}`;
}

function describeCard(
  { architecture, metrics, minSimilarity, training, bank }: FraCard,
  out: string,
): string {
  const { reconstruction: drawn, combiner } = metrics;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const { cost } = architecture;
  const cached = cost.cachedMultiplyAdds === null ? '' : `, ${millions(cost.cachedMultiplyAdds)} cached`;
  return [
    `FRA model in ${out}, ${training.subjects} training and ${training.validationSubjects} validation people, ${training.minutes} min`,
    `  generator       ${architecture.combiner.kind}, posture as ${architecture.posture}: ${millions(cost.parameters)} parameters, ${millions(cost.multiplyAdds)} multiply-adds a variant${cached}`,
    ...training.choices.map((line) => `                  ${line}`),
    `  reconstruction  IoU ${drawn.iou.toFixed(3)}, MSE ${drawn.mse.toFixed(4)}; yaw read from it: r = ${drawn.yawCorrelation.toFixed(3)}, off by ${drawn.yawErrorDegrees.toFixed(1)}°`,
    `  identity        right person first for ${percent(combiner.rank1)} of ${combiner.variants} variants`,
    `  retrieval       own variant nearest for ${percent(combiner.retrieval.rank1)} (${percent(combiner.retrieval.rank1Interval.low)}–${percent(combiner.retrieval.rank1Interval.high)}) of ${combiner.retrieval.queries} turned faces among ${combiner.retrieval.gallery} people, loss ${combiner.retrieval.loss.toFixed(3)}`,
    `  posture         shuffled: ${percent(combiner.shuffledPosture.rank1)}, loss ${combiner.shuffledPosture.loss.toFixed(3)}; removed: ${percent(combiner.removedPosture.rank1)}, loss ${combiner.removedPosture.loss.toFixed(3)}`,
    `  target          cosine ${combiner.similarityToTarget.toFixed(3)} (unchanged source ${combiner.sourceSimilarityToTarget.toFixed(3)}, mean offset ${combiner.meanOffsetSimilarityToTarget.toFixed(3)}, foreign posture ${combiner.shuffledPostureSimilarityToTarget.toFixed(3)})`,
    `  gate            ${percent(combiner.keptShare)} of variants at or above ${minSimilarity}`,
    `  posture bank    ${bank.postures} postures in ${bank.bins} pose bins`,
    `  pictures        ${join(out, 'pictures')}`,
  ].join('\n');
}

function millions(count: number): string {
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e3).toFixed(0)} k`;
}
