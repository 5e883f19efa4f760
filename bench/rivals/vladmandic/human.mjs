// @vladmandic/human on the WebAssembly backend: detection, face mesh and a description of every photograph; everything
// else that it can do is switched off, and nothing is carried over from one photograph to the next.
//
//   human.mjs FOLDER '{"photographs": […]}'
//
// FOLDER: where package.json beside this file was installed. See serveRounds.mjs for what it prints.
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { decode, serveRounds } from './serveRounds.mjs';

const [folder, request] = process.argv.slice(2);
const { photographs } = JSON.parse(request);
const require = createRequire(join(folder, 'package.json'));
// By its path: the package's exports name the builds for tfjs-node and for browsers alone.
const home = join(folder, 'node_modules', '@vladmandic', 'human');
const { Human } = require(join(home, 'dist', 'human.node-wasm.js'));

// It loads models by HTTP alone: those of its own package, from this process.
const server = createServer(({ url }, response) =>
  createReadStream(join(home, 'models', basename(url))).pipe(response),
);
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const off = { enabled: false };
const eachTime = { skipFrames: 0, skipTime: 0 };
const human = new Human({
  backend: 'wasm',
  wasmPath: `${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`,
  modelBasePath: `http://127.0.0.1:${server.address().port}/`,
  cacheSensitivity: 0,
  warmup: 'none',
  filter: off,
  gesture: off,
  body: off,
  hand: off,
  object: off,
  segmentation: off,
  face: {
    detector: { ...eachTime, maxDetected: 1 },
    mesh: { enabled: true },
    iris: off,
    emotion: off,
    description: { enabled: true, ...eachTime },
  },
});
await human.load();
server.close();

await serveRounds({
  photographs,
  versions: { human: human.version, backend: human.tf.getBackend() },
  async embed(path) {
    const { data, width, height } = await decode(path);
    const picture = human.tf.tensor3d(data, [height, width, 3], 'int32');
    const { face, error } = await human.detect(picture);
    human.tf.dispose(picture);
    if (error) throw new Error(error);
    return face[0]?.mesh.length > 0 ? (face[0].embedding?.length ?? 0) : 0;
  },
});
