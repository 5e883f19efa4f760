/** The result on a terminal: the verdict, then rows by main metrics. */
import { METRICS, type MetricName } from './metrics.ts';
import type { EvaluationResult, RecognizerResult } from './result.ts';

const SHOWN: readonly MetricName[] = [
  'ncm',
  'svmLinear',
  'svmRbf',
  'head',
  'eer',
  'tar2',
  'bcubed',
  'meanAveragePrecision',
];

export function formatResult(result: EvaluationResult): string {
  return [
    ...result.warnings.map((warning) => `! ${warning}`),
    ...result.recognizers.flatMap((recognizer) => formatRecognizer(recognizer)),
  ].join('\n');
}

function formatRecognizer(recognizer: RecognizerResult): string[] {
  const metrics = SHOWN.filter((name) => recognizer.rows[0]!.metrics[name] !== undefined);
  const width = Math.max(...recognizer.rows.map((row) => name(row).length));
  const cell = (text: string) => text.padStart(CELL);
  const rows = recognizer.rows.map((row) => {
    const cells = metrics.map((metric) => {
      const measured = row.metrics[metric];
      if (measured === undefined) return cell('');
      const { value, difference } = measured;
      return cell(
        difference === undefined
          ? share(value)
          : `${share(value)} ${signed(difference.value)} ±${share((difference.high - difference.low) / 2)}`,
      );
    });
    return `  ${name(row).padEnd(width)}${cells.join('')}`;
  });
  const gain = recognizer.smallestDetectableGain.ncm;
  return [
    '',
    `${recognizer.name}`,
    ...recognizer.verdicts.map(({ text }) => `  ${text}`),
    '',
    `  ${''.padEnd(width)}${metrics.map((metric) => cell(METRICS[metric].label)).join('')}`,
    ...rows,
    `  Each cell: value, difference to none and half its 95 % interval over people, paired.${
      gain === undefined ? '' : ` Smallest gain this data can detect (NCM): ${share(gain)}.`
    }`,
  ];
}

const CELL = 18;

function name({ label, id }: RecognizerResult['rows'][number]): string {
  const source = /-(real|synthetic|leaked)$/.exec(id)?.[1];
  return source === undefined ? label : `${label}, ${SOURCES[source as keyof typeof SOURCES]}`;
}

const SOURCES = { real: 'real pairs', synthetic: 'synthetic pairs', leaked: 'LEAKED pairs' } as const;

/** .705 */
function share(value: number): string {
  return value >= 0.9995 ? '1.000' : value.toFixed(3).replace(/^(-?)0/, '$1');
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${share(Math.abs(value))}`;
}
