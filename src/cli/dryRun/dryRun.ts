/** `--dry-run` of `run` and `submit`: what the run would be, and about how long it would take, with nothing written. */
import { type DryPlan, planDryRun } from '../../producer/dryRun.ts';
import { writeListing } from '../../producer/writeListing.ts';
import type { RunConfig } from '../../shared/config.ts';
import type { FaceRecord } from '../../shared/face.ts';
import { readPlan } from '../../shared/listing/shardPlan.ts';
import type { ShardSpec } from '../../shared/shard.ts';
import { openStore } from '../../shared/store/openStore.ts';
import { count } from '../../shared/text/counted.ts';
import type { ComputeOptions } from '../../worker/openShardContext.ts';
import { openRunAssets } from '../../worker/runAssets.ts';
import type { AppendFlag } from '../options/appendOption.ts';
import type { DryRunFlags } from '../options/dryRunOptions.ts';
import { type CorpusStoreFlags, corpusS3Options, s3Options } from '../options/storeOptions.ts';
import { type LogFlags, openLog } from '../output/log.ts';
import { stoppable } from '../stoppable.ts';
import { assumedProbe, estimateDryRun } from './dryRunEstimate.ts';
import { formatDryRun } from './dryRunText.ts';

/** @throws ConfigError for everything that the run would refuse. */
export async function dryRun(
  config: RunConfig,
  out: string,
  compute: ComputeOptions,
  flags: DryRunFlags & AppendFlag & CorpusStoreFlags & LogFlags,
): Promise<void> {
  const live = (await openLog(flags)).live(compute.device);
  const { note } = live;
  const stopping = { stopped: 'stopped; a dry run leaves nothing behind', onError: live.finish };
  await stoppable(stopping, async (signal, releasers) => {
    // Opened for reading: the probe of put-if-absent would write.
    const store = await openStore(out, { access: 'read', s3: s3Options(flags) });
    releasers.push('store', () => store.close());
    const assets = await openRunAssets(config, note);
    const plan = await planDryRun(config, store, {
      models: assets.runModels,
      signal,
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
        ? await (await import('../../worker/measure/probeRun.ts')).probeRun(config, plan.sample, {
            assets,
            compute,
            signal,
            plan: (probeStore, runId, shardFaces) =>
              planSample(config, plan.sample, probeStore, runId, shardFaces),
          })
        : assumedProbe(config, assets.runModels.embeddingDim, flags.rate, realShare(plan));
    const report = estimateDryRun(store.uri, plan, probe, compute, flags.rate);
    process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : formatDryRun(report, config));
  });
}

/** Of the rows that the run makes, if all goes well. */
function realShare({ left, variants }: DryPlan): number {
  return left.faces / Math.max(1, left.faces + variants.asked);
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
