// @vladmandic/face-api on the WebAssembly backend: detection, 68 landmarks and a descriptor of every photograph.
//
//   faceApi.mjs FOLDER '{"photographs": […], "detector": "ssd" | "tiny"}'
//
// FOLDER: where package.json beside this file was installed. See serveRounds.mjs for what it prints.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { decode, serveRounds } from './serveRounds.mjs';

const [folder, request] = process.argv.slice(2);
const { photographs, detector } = JSON.parse(request);
const require = createRequire(join(folder, 'package.json'));
const wasm = require('@tensorflow/tfjs-backend-wasm');
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
const { tf } = faceapi;

wasm.setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
await tf.setBackend('wasm');
await tf.ready();

const models = join(dirname(require.resolve('@vladmandic/face-api/package.json')), 'model');
const { nets } = faceapi;
const small = detector === 'tiny';
const found = small ? nets.tinyFaceDetector : nets.ssdMobilenetv1;
const landmarks = small ? nets.faceLandmark68TinyNet : nets.faceLandmark68Net;
for (const net of [found, landmarks, nets.faceRecognitionNet]) await net.loadFromDisk(models);
const options = small ? new faceapi.TinyFaceDetectorOptions() : new faceapi.SsdMobilenetv1Options();

await serveRounds({
  photographs,
  versions: { 'face-api': faceapi.version, tfjs: tf.version_core, backend: tf.getBackend() },
  async embed(path) {
    const { data, width, height } = await decode(path);
    const picture = tf.tensor3d(data, [height, width, 3], 'int32');
    const face = await faceapi
      .detectSingleFace(picture, options)
      .withFaceLandmarks(small)
      .withFaceDescriptor();
    tf.dispose(picture);
    return face?.descriptor.length ?? 0;
  },
});
