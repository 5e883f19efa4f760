/** What a run would take and leave, by its plan and by how fast a probe of it was. */
import type { DryPlan } from '../../producer/dryRun.ts';
import { type StoreRequests, storeRequests } from '../../producer/storeRequests.ts';
import type { RunConfig } from '../../shared/config.ts';
import { LANDMARK_COUNT, POSTURE_DIM } from '../../shared/face.ts';
import type { ProbeResult } from '../../worker/measure/probeRun.ts';
import type { ComputeOptions } from '../../worker/openShardContext.ts';

/** Of a commit, in bytes. */
const COMMIT_BYTES = 1_800;
/** Of a person in the two tables of people, in bytes. */
const PERSON_BYTES = 60;

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

/** Of what a row holds beside its vectors, in bytes. */
const ROW_BYTES = 50;

/**
 * Without a probe: every photograph is good, every variant passes, and a row is what its vectors take, uncompressed.
 *
 * @param realShare of the rows: variants have no landmarks, for which Arrow keeps the room.
 */
export function assumedProbe(
  { embeddingType, format, withLandmarks, withPostureCode }: RunConfig,
  embeddingDim: number,
  photographsPerSecond: number,
  realShare: number,
): ProbeResult {
  const valueBytes = embeddingType === 'float16' ? 2 : 4;
  const landmarkRows = !withLandmarks ? 0 : format === 'arrow' ? 1 : realShare;
  return {
    photographs: 0,
    rejected: 0,
    secondsPerPhotograph: 1 / photographsPerSecond,
    secondsPerVariant: 0,
    variantsKept: 1,
    peopleUsable: 1,
    bytesPerRow:
      embeddingDim * valueBytes +
      (withPostureCode ? 4 * POSTURE_DIM : 0) +
      landmarkRows * 4 * 2 * LANDMARK_COUNT +
      ROW_BYTES,
    bytesPerShard: 5_000,
  };
}

export function estimateDryRun(
  out: string,
  plan: DryPlan,
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
