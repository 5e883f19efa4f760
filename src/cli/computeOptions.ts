/** Options about where and how fast this process computes; none of them changes what a run gives. */
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { requireDevice } from '../worker/models/requireDevice.ts';
import { DEVICES, type Device } from '../worker/models/session.ts';
import type { ComputeOptions } from '../worker/openShardContext.ts';

export interface ComputeFlags {
  readonly device: Device;
  readonly threads?: number;
  readonly batch?: number;
}

const CPU_BATCH = 8;
const GPU_BATCH = 64;

export function addComputeOptions(command: Command): Command {
  return command
    .addOption(new Option('--device <name>', 'where the networks run').choices(DEVICES).default('cpu'))
    .option('--threads <n>', 'model threads (default: one a core on the CPU, one on a GPU)', positiveInteger)
    .option(
      '--batch <n>',
      `faces a model thread gets at a time (default: ${CPU_BATCH} on the CPU, ${GPU_BATCH} on a GPU)`,
      positiveInteger,
    );
}

/** @throws ConfigError when the device is not there. */
export async function computeOptions(flags: ComputeFlags): Promise<ComputeOptions> {
  await requireDevice(flags.device);
  const onCpu = flags.device === 'cpu';
  return {
    device: flags.device,
    threads: flags.threads ?? (onCpu ? availableParallelism() : 1),
    batchFaces: flags.batch ?? (onCpu ? CPU_BATCH : GPU_BATCH),
  };
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected a whole number above 0.');
}
