/** A dry run's report as lines for a person. */
import type { RunConfig } from '../../shared/config.ts';
import { count, counted } from '../../shared/text/counted.ts';
import { dataSize, duration, labelledLines } from '../output/format.ts';
import type { DryRunReport } from './dryRunEstimate.ts';

export function formatDryRun(
  report: DryRunReport,
  config: Pick<RunConfig, 'variants' | 'shardFaces'>,
): string {
  const { left, requests, estimate: basis } = report;
  const input = report.inputBytes === 0 ? '' : `, ${dataSize(report.inputBytes)} of photographs`;
  const oversize = report.oversizeShards === 0 ? '' : `, ${count(report.oversizeShards)} oversize`;
  const about = report.atMost ? 'at most about' : 'about';
  const lines: [string, string][] = [
    ['people', count(report.people)],
    ['faces', `${count(report.faces)}${input}`],
    ['shards', `${count(report.shards)} of at most ${count(config.shardFaces)} faces${oversize}`],
    ...(report.resumes === null
      ? []
      : [
          [
            'resumes',
            `run ${report.resumes}: ${counted(left.shards, 'shard', 'shards')} with ${counted(left.faces, 'face', 'faces')} left; what follows is about them`,
          ] satisfies [string, string],
        ]),
    ...(report.appends === null
      ? []
      : [
          [
            'appends',
            `${counted(report.appends.faces, 'new photograph', 'new photographs')}, ` +
              `${counted(report.appends.people, 'new person', 'new people')}; ` +
              `${counted(report.appends.gone, 'photograph is', 'photographs are')} gone, their rows stay`,
          ] satisfies [string, string],
        ]),
    ['variants', `${about} ${count(report.variants)} (${count(config.variants)} asked for a person)`],
    ['output', `${about} ${dataSize(report.outputBytes)} in ${count(report.rows)} rows`],
    [
      'requests',
      `about ${count(requests.writes)} writes, ${count(requests.reads)} reads, ${count(requests.lists)} lists to the store`,
    ],
    ['time', `${about} ${hours(report.estimatedHours)} (${report.estimatedHours.toFixed(2)} h)`],
    ['judged by', judgedBy(basis)],
  ];
  return [`dry run: nothing was written to ${report.out}`, ...labelledLines(lines), ''].join('\n');
}

/** Below one a second two digits that count: one decimal would make nothing of it. */
function rate(perSecond: number): string {
  return perSecond < 1 ? `${Number(perSecond.toPrecision(2))}` : perSecond.toFixed(1);
}

function judgedBy(basis: DryRunReport['estimate']): string {
  const photographs = `${rate(basis.photographsPerSecond)} photographs/s`;
  if (basis.from === 'stated-rate')
    return `the stated rate of ${photographs}; sizes are assumed, not measured`;
  const variants =
    basis.variantsPerSecond === null ? '' : `, ${basis.variantsPerSecond.toFixed(0)} variants/s`;
  return (
    `a probe of this machine (${basis.device}): ${photographs}${variants}, on ${count(basis.photographs)} ` +
    `photographs of the corpus, ${count(basis.rejected)} of them rejected`
  );
}

function hours(value: number): string {
  return duration(value * 3_600);
}
