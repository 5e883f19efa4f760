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
  /** Items that every run computes, however few it is asked for; absent: as many as it is asked for. */
  readonly fixedBatch?: number | undefined;
  /** Every input, the batch first, the same for all and at least 1; answers every output likewise. */
  run(inputs: NetworkTensors): Promise<NetworkTensors>;
  close(): Promise<void>;
}
