/** Options about where and how fast this process computes; none of them changes what a run gives. */
import { type Command, Option } from 'commander';
import { ConfigError } from '../../shared/errors.ts';
import { usableCores } from '../../shared/machine/cores.ts';
import { usableMemory } from '../../shared/machine/memory.ts';
import { requireProbePhotograph } from '../../worker/measure/probePhotograph.ts';
import { DEVICES, type Device } from '../../worker/models/device.ts';
import { FRA_ENGINES, type FraEngine } from '../../worker/models/fraNetworks.ts';
import { requireDevice } from '../../worker/models/requireDevice.ts';
import { requireEngine } from '../../worker/models/requireEngine.ts';
import type { ComputeOptions } from '../../worker/openShardContext.ts';
import { dataSize } from '../output/format.ts';
import { batch, threads } from './optionValues.ts';
import { type CorpusStoreFlags, corpusS3Options } from './storeOptions.ts';

export interface ComputeFlags {
  readonly device: Device;
  readonly threads?: number;
  readonly batch?: number | 'probe';
  readonly engine?: FraEngine;
}

/**
 * On a CPU a turn of the face pipeline. What threads ask of a GPU at the same time shares its runs: larger ones are no
 * faster and take memory (docs/gpu.md).
 */
const BATCH = { cpu: 32, gpu: 16 };
/** Of two a core one waits for the GPU while the other uses the core. More than these were no faster (docs/gpu.md). */
const MOST_GPU_THREADS = 32;

/** Bytes that a model thread takes (docs/fleet.md). */
const THREAD_BYTES = { cpu: 0.3e9, gpu: 0.12e9 };
/** So many threads a core are taken for meant, whatever the memory: small machines may hold more than is reckoned. */
const MEANT_PER_CORE = 2;

export function addComputeOptions(command: Command): Command {
  return command
    .addOption(new Option('--device <name>', 'where the networks run').choices(DEVICES).default('cpu'))
    .option(
      '--threads <n>',
      'model threads (default: one per core; on a GPU two per core, at most 32, which decode and prepare for it)',
      threads,
    )
    .option(
      '--batch <n>',
      `faces given to a model thread at once, at most, or "probe" to try sizes at the start and keep the fastest (default: ${BATCH.cpu} on the CPU, ${BATCH.gpu} on a GPU)`,
      batch,
    )
    .addOption(
      new Option(
        '--engine <name>',
        'what the FRA networks run on: onnx (on --device), tfjs (TensorFlow.js on the CPU), tfjs-cuda (TensorFlow on a CUDA 11 GPU)',
      )
        .choices(FRA_ENGINES)
        .default('onnx'),
    );
}

/**
 * @throws ConfigError when the device, the engine or what a batch is tried out on is not there, or the memory too small
 * for what is asked.
 */
export async function computeOptions(flags: ComputeFlags & CorpusStoreFlags): Promise<ComputeOptions> {
  const engine = flags.engine ?? 'onnx';
  await requireDevice(flags.device);
  await requireEngine(engine);
  if (flags.batch === 'probe') await requireProbePhotograph();
  const onCpu = flags.device === 'cpu';
  if (flags.threads !== undefined) refuseTooManyThreads(flags.threads, flags.device);
  return {
    device: flags.device,
    threads: flags.threads ?? (onCpu ? usableCores() : Math.min(2 * usableCores(), MOST_GPU_THREADS)),
    batchFaces: flags.batch ?? BATCH[onCpu ? 'cpu' : 'gpu'],
    engine,
    corpusS3: corpusS3Options(flags),
  };
}

/** @throws ConfigError for more model threads than the memory can hold: their end would be a kill without a word. */
export function refuseTooManyThreads(threads: number, device: Device): void {
  const each = THREAD_BYTES[device === 'cpu' ? 'cpu' : 'gpu'];
  const memory = usableMemory();
  const most = Math.max(MEANT_PER_CORE * usableCores(), Math.floor(memory / each));
  if (threads <= most) return;
  throw new ConfigError('bad-option', `--threads: expected at most ${most}, found ${threads}`, {
    memory: dataSize(memory),
    thread: `about ${dataSize(each)}`,
  });
}
