/** What computes a network: ONNX Runtime in this thread (onnxRuntime.ts) or in a device's (device/deviceClient.ts). */

/** An input or output: values of the whole batch and the shape, batch first. */
export interface NetworkTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export type NetworkTensors = Readonly<Record<string, NetworkTensor>>;

export interface NetworkRuntime {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Every input, the batch first, the same for all and at least 1; answers every output likewise. */
  run(inputs: NetworkTensors): Promise<NetworkTensors>;
  close(): Promise<void>;
}
