/** Whether a device can really compute here, asked before anything is planned or opened. */
import '../../shared/noTelemetry.ts';
import { env, InferenceSession } from 'onnxruntime-node';
import { encodeModel, makeModel, makeNode, makeValueInfo } from '../../models/onnx.ts';
import { ConfigError } from '../../shared/errors.ts';
import type { Device } from './device.ts';

/**
 * Opens the smallest network there. The list of devices that a build supports is no answer: it names CUDA on machines
 * without its libraries.
 *
 * @throws ConfigError `device-missing`; there is no fall-back to the CPU.
 */
export async function requireDevice(device: Device): Promise<void> {
  // The runtime's own log would say the same in ten lines; it is quiet from here on, its errors are thrown.
  env.logLevel = 'fatal';
  // Else CUDA multiplies with 10 bits of mantissa: embeddings would differ from the CPU's by 1e-3 (docs/gpu.md). Read
  // by its libraries when the first network is opened.
  process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  try {
    const session = await InferenceSession.create(encodeModel(identityNetwork()), {
      executionProviders: [device],
    });
    await session.release();
  } catch (error) {
    throw new ConfigError('device-missing', `--device: ${device} is not available here`, {}, error);
  }
}

function identityNetwork() {
  return makeModel({
    name: 'identity',
    inputs: [makeValueInfo('x', [1])],
    outputs: [makeValueInfo('y', [1])],
    nodes: [makeNode('Identity', ['x'], ['y'])],
    initializers: [],
  });
}
