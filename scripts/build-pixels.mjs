// Compiles src/worker/models/pixels.wat into pixelsWasm.ts beside it: `node scripts/build-pixels.mjs`. To be run after
// a change of the source; a test holds the two together.
import { readFileSync, writeFileSync } from 'node:fs';
import wabtModule from 'wabt';

export async function compilePixels(root = new URL('..', import.meta.url)) {
  const source = readFileSync(new URL('src/worker/models/pixels.wat', root), 'utf8');
  const wabt = await wabtModule();
  const module = wabt.parseWat('pixels.wat', source, { simd: true });
  try {
    module.validate({ simd: true });
    return Buffer.from(module.toBinary({}).buffer).toString('base64');
  } finally {
    module.destroy();
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const lines = (await compilePixels()).match(/.{1,100}/g).map((line) => `  '${line}',`);
  const text = [
    '/** pixels.wat, compiled by scripts/build-pixels.mjs: base64 of the WebAssembly module. */',
    'export const PIXELS_WASM = [',
    ...lines,
    "].join('');",
    '',
  ];
  writeFileSync(new URL('../src/worker/models/pixelsWasm.ts', import.meta.url), text.join('\n'));
}
