/** Devices a session can be asked for. Which of them exist depends on the build of ONNX Runtime. */
export const DEVICES = ['cpu', 'cuda', 'tensorrt', 'webgpu'] as const;
export type Device = (typeof DEVICES)[number];
