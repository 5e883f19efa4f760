/** What travels between a model thread and the thread of the device. */
import type { ThreadFailure } from '../../shared/threads/protocol.ts';
import type { NetworkTensors } from '../models/runtime.ts';

export type DeviceRequest =
  /** The file of a network; the same file is opened once, whoever asks. */
  | { readonly id: number; readonly kind: 'open'; readonly file: Uint8Array; readonly batch: number }
  | { readonly id: number; readonly kind: 'run'; readonly network: string; readonly inputs: NetworkTensors };

export interface OpenedNetwork {
  readonly network: string;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly fixedBatch: number | undefined;
}

export type DeviceReply =
  | { readonly id: number; readonly status: 'opened'; readonly opened: OpenedNetwork }
  | { readonly id: number; readonly status: 'ran'; readonly outputs: NetworkTensors }
  | { readonly id: number; readonly status: 'failed'; readonly failure: ThreadFailure };
