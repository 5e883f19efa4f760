/** `posecast devices`: where networks could run on this machine, and why not elsewhere. */
import { cpus } from 'node:os';
import { Command } from 'commander';
import { describeError, toError } from '../shared/errors.ts';
import { DEVICES } from '../worker/models/device.ts';
import { requireDevice } from '../worker/models/requireDevice.ts';
import { LIBJPEG_TURBO_ADVICE, libjpegTurboFile } from '../worker/stages/libjpegTurbo.ts';

interface DeviceState {
  readonly option: string;
  readonly available: boolean;
  /** What it is, or why it is not there. */
  readonly detail: string;
}

export function devicesCommand(): Command {
  return new Command('devices')
    .description(
      'Opens a small network on every device and says which of them answer. What is not there is never replaced by ' +
        'the CPU: a command that asks for it is refused. The last line says who decodes JPEGs: the pixels are the same either way.',
    )
    .option('--json', 'one JSON object instead of text', false)
    .action(devices);
}

async function devices({ json }: { readonly json: boolean }): Promise<void> {
  const states: DeviceState[] = [];
  for (const device of DEVICES) states.push(await onnxState(device));
  states.push(await tensorflowState('tfjs', 'cpu'), await tensorflowState('tfjs-cuda', 'cuda'));
  if (json) {
    process.stdout.write(`${JSON.stringify({ devices: states, libjpegTurbo: libjpegTurboFile ?? null })}\n`);
    return;
  }
  for (const { option, available, detail } of [...states, jpegState()]) {
    process.stdout.write(`${available ? 'yes' : 'no '}  ${option.padEnd(20)} ${detail}\n`);
  }
}

async function onnxState(device: (typeof DEVICES)[number]): Promise<DeviceState> {
  const option = `--device ${device}`;
  try {
    await requireDevice(device);
    const processor = device === 'cpu' ? `, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}` : '';
    return { option, available: true, detail: `ONNX Runtime${processor}` };
  } catch (error) {
    return { option, available: false, detail: reasonOf(error) };
  }
}

async function tensorflowState(engine: string, device: 'cpu' | 'cuda'): Promise<DeviceState> {
  const option = `--engine ${engine}`;
  try {
    const { openBackend } = await import('../fra/backend.ts');
    return { option, available: true, detail: (await openBackend(device, 1)).description };
  } catch (error) {
    return { option, available: false, detail: reasonOf(error) };
  }
}

/** Not an option: whoever decodes, the pixels are the same. */
function jpegState(): DeviceState {
  const detail =
    libjpegTurboFile === undefined ? LIBJPEG_TURBO_ADVICE : `decodes JPEGs (${libjpegTurboFile})`;
  return { option: 'libjpeg-turbo', available: libjpegTurboFile !== undefined, detail };
}

/** The first line of what is behind it: runtimes answer with stacks of their own. */
function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  const cause = error.cause instanceof Error ? error.cause : error;
  const line = describeError(cause).split('\n')[0] ?? '';
  // ONNX Runtime puts file, function and condition in front.
  return line.replace(/^.* was false\. /, '').trim();
}
