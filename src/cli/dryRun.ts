/** `--dry-run` of `run` and `submit`: what the run would be, and about how long it would take, with nothing written. */
import type { Command } from 'commander';
import { type DryPlan, planDryRun } from '../producer/dryRun.ts';
import { type StoreRequests, storeRequests } from '../producer/storeRequests.ts';
import { writeListing } from '../producer/writeListing.ts';
import type { RunConfig } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import { createReleasers } from '../shared/releasers.ts';
import type { ShardSpec } from '../shared/shard.ts';
import { readPlan } from '../shared/shardPlan.ts';
import { openStore } from '../shared/store/openStore.ts';
import type { ComputeOptions } from '../worker/openShardContext.ts';
import type { ProbeResult } from '../worker/probeRun.ts';
import { openRunAssets, type RunAssets } from '../worker/runAssets.ts';
import type { AppendFlag } from './appendOption.ts';
import { optionOfFlag } from './commandLine.ts';
import { Interrupted } from './exit.ts';
import { count, dataSize, duration, labelledLines } from './format.ts';
import { type LogFlags, openLog } from './log.ts';
import { photographsPerSecond } from './optionValues.ts';
import { openStopSignal } from './signals.ts';
import { type CorpusStoreFlags, corpusS3Options, s3Options } from './storeOptions.ts';

export interface DryRunFlags {
  readonly dryRun: boolean;
  /** Photographs per second. */
  readonly rate?: number;
}

/** Flags that a dry run could do nothing with: who gives one expects something that does not happen. */
const USELESS = ['redis', 'metricsPort', 'onFinish'];

export function addDryRunOptions(command: Command): Command {
  return command
    .optionsGroup('Dry run:')
    .option(
      '--dry-run',
      'say what the run would be (people, faces, shards, hours, size, requests), write nothing to OUT or Redis',
      false,
    )
    .option(
      '--rate <n>',
      'with --dry-run: photographs per second of all machines together, instead of a probe of this one',
      photographsPerSecond,
    )
    .optionsGroup('Options:');
}

/** @throws ConfigError for a rate without a dry run, and for what a dry run has no use for. */
export function refuseMisfits(flags: DryRunFlags): void {
  const { dryRun, rate } = flags;
  if (rate !== undefined && !dryRun) {
    throw new ConfigError('bad-option', '--rate: expected with --dry-run only', { rate });
  }
  const useless = dryRun && USELESS.find((name) => name in flags);
  if (useless) {
    throw new ConfigError(
      'bad-option',
      `${optionOfFlag(useless)}: expected without --dry-run, which queues nothing, serves nothing and calls nobody`,
    );
  }
}

export interface DryRunReport {
  readonly event: 'dry-run';
  readonly out: string;
  readonly resumes: string | null;
  /** With --append: what the corpus has got since (people: new ones), and photographs it has lost. */
  readonly appends: DryPlan['appends'];
  readonly people: number;
  readonly faces: number;
  /** Of photographs; 0: the corpus does not say. */
  readonly inputBytes: number;
  readonly shards: number;
  readonly oversizeShards: number;
  /** All that follows is about these: what is not committed yet. */
  readonly left: { readonly people: number; readonly faces: number; readonly shards: number };
  readonly variants: number;
  /** Of variants, rows, bytes and hours: people may have variants already, how many is not known. */
  readonly atMost: boolean;
  readonly rows: number;
  readonly outputBytes: number;
  readonly requests: StoreRequests;
  readonly estimatedHours: number;
  readonly estimate:
    | {
        readonly from: 'probe';
        readonly device: string;
        readonly photographs: number;
        readonly rejected: number;
        readonly photographsPerSecond: number;
        /** null: the run generates none. */
        readonly variantsPerSecond: number | null;
      }
    | { readonly from: 'stated-rate'; readonly photographsPerSecond: number };
}

/** @throws ConfigError for everything that the run would refuse. */
export async function dryRun(
  config: RunConfig,
  out: string,
  compute: ComputeOptions,
  flags: DryRunFlags & AppendFlag & CorpusStoreFlags & LogFlags,
): Promise<void> {
  const live = (await openLog(flags)).live(compute.device);
  const { note } = live;
  const releasers = createReleasers();
  const stop = openStopSignal(() => {});
  try {
    // Opened for reading: the probe of put-if-absent would write.
    const store = await openStore(out, { access: 'read', s3: s3Options(flags) });
    releasers.push('store', () => store.close());
    const assets = await openRunAssets(config, note);
    const plan = await planDryRun(config, store, {
      models: assets.identity,
      signal: stop.signal,
      note,
      corpusS3: corpusS3Options(flags),
      append: flags.append === true,
      onListed: live.listing,
    });
    live.listing('done');
    if (flags.rate === undefined) {
      note(`measuring this machine on ${count(plan.sample.length)} photographs of the corpus`);
    }
    const probe =
      flags.rate === undefined
        ? await (await import('../worker/probeRun.ts')).probeRun(config, plan.sample, {
            assets,
            compute,
            signal: stop.signal,
            plan: (probeStore, runId, shardFaces) =>
              planSample(config, plan.sample, probeStore, runId, shardFaces),
          })
        : assumed(config, assets, flags.rate);
    const report = estimate(store.uri, plan, probe, compute, flags.rate);
    process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : formatDryRun(report, config));
  } catch (error) {
    live.finish();
    if (stop.signal.aborted) throw new Interrupted('stopped; a dry run leaves nothing behind');
    throw error;
  } finally {
    await releasers.release();
    stop.close();
  }
}

async function planSample(
  { labelColumns }: RunConfig,
  sample: readonly FaceRecord[],
  store: Parameters<typeof writeListing>[1] & Parameters<typeof readPlan>[0],
  runId: string,
  shardFaces: number,
) {
  const faces = async function* () {
    yield* sample;
  };
  const limits = { shardFaces, shardBytes: Number.MAX_SAFE_INTEGER, shardSubjects: Number.MAX_SAFE_INTEGER };
  const written = await writeListing(faces(), store, { runId, labelColumns, ...limits });
  if (written === undefined) throw new Error('a sample of a corpus has faces');
  const specs: ShardSpec[] = [];
  for await (const { spec } of readPlan(store, runId)) specs.push(spec);
  return { ...written, specs };
}

/** Without a probe: every photograph is good, every variant passes, and a row is what its embedding takes. */
function assumed(config: RunConfig, assets: RunAssets, photographsPerSecond: number): ProbeResult {
  const valueBytes = config.embeddingType === 'float16' ? 2 : 4;
  return {
    photographs: 0,
    rejected: 0,
    secondsPerPhotograph: 1 / photographsPerSecond,
    secondsPerVariant: 0,
    variantsKept: 1,
    peopleUsable: 1,
    bytesPerRow: assets.identity.embeddingDim * valueBytes + 50,
    bytesPerShard: 5_000,
  };
}

/** Of a commit, in bytes. */
const COMMIT_BYTES = 1_800;
/** Of a person in the two tables of people, in bytes. */
const PERSON_BYTES = 60;

function estimate(
  out: string,
  plan: Awaited<ReturnType<typeof planDryRun>>,
  probe: ProbeResult,
  compute: ComputeOptions,
  statedRate: number | undefined,
): DryRunReport {
  const { left, people, faces, bytes: inputBytes, shards, oversizeShards, resumes, appends } = plan;
  const rejectedShare = probe.photographs === 0 ? 0 : probe.rejected / probe.photographs;
  const variants = Math.round(plan.variants.asked * probe.peopleUsable * probe.variantsKept);
  const rows = Math.round(left.faces * (1 - rejectedShare)) + variants;
  const seconds = left.faces * probe.secondsPerPhotograph + variants * probe.secondsPerVariant;
  const dataBytes = rows * probe.bytesPerRow;
  const facesPerShard = left.shards === 0 ? 0 : left.faces / left.shards;
  return {
    event: 'dry-run',
    out,
    resumes,
    appends,
    people,
    faces,
    inputBytes,
    shards,
    oversizeShards,
    left,
    variants,
    atMost: plan.variants.atMost,
    rows,
    outputBytes: Math.round(
      plan.listingBytes +
        dataBytes +
        left.people * PERSON_BYTES +
        left.shards * (probe.bytesPerShard + COMMIT_BYTES),
    ),
    requests: storeRequests({
      shards: left.shards,
      shardsWithRejects: Math.round(left.shards * Math.min(1, rejectedShare * facesPerShard)),
      dataBytes: left.shards === 0 ? 0 : dataBytes / left.shards,
      listingBytes: plan.listingBytes,
      workerSeconds: seconds,
    }),
    estimatedHours: seconds / 3_600,
    estimate:
      statedRate === undefined
        ? {
            from: 'probe',
            device: `${compute.device}, ${compute.threads} threads`,
            photographs: probe.photographs,
            rejected: probe.rejected,
            photographsPerSecond: 1 / probe.secondsPerPhotograph,
            variantsPerSecond: probe.secondsPerVariant === 0 ? null : 1 / probe.secondsPerVariant,
          }
        : { from: 'stated-rate', photographsPerSecond: statedRate },
  };
}

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
            `run ${report.resumes}: ${count(left.shards)} shards with ${count(left.faces)} faces are left; what follows is about them`,
          ] satisfies [string, string],
        ]),
    ...(report.appends === null
      ? []
      : [
          [
            'appends',
            `${count(report.appends.faces)} new photographs, ${count(report.appends.people)} new people; ` +
              `${count(report.appends.gone)} photographs are gone, their rows stay`,
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

function judgedBy(basis: DryRunReport['estimate']): string {
  const photographs = `${basis.photographsPerSecond.toFixed(1)} photographs/s`;
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
