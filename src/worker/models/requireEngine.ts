/** Whether the engine of the FRA networks is here, asked before anything is planned or opened. */
import { ConfigError } from '../../shared/errors.ts';
import type { FraEngine } from './fraNetworks.ts';

/** @throws ConfigError `engine-missing`; there is no fall-back to another engine. */
export async function requireEngine(engine: FraEngine): Promise<void> {
  // The others need nothing that is not installed with posecast.
  if (engine !== 'tfjs-cuda') return;
  // Loaded only where it is asked for: TensorFlow.js takes a second to load.
  const { openBackend } = await import('../../fra/backend.ts');
  try {
    await openBackend('cuda', 1);
  } catch (error) {
    throw new ConfigError('engine-missing', `--engine: ${engine} is not available here`, {}, error);
  }
}
