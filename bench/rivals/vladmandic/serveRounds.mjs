// What both programs share: rounds over the photographs on demand, as bench/performance/rivals/rivalProcess.ts asks.
//
// Runs a photograph to warm up and prints {"ready": versions}. Every line on standard input starts a round, from the
// files to the embeddings, and is answered by a line {"seconds", "embedded": photographs with an embedding}.
import { createInterface } from 'node:readline';
// posecast's own: a fast decoder is no part of what is compared.
import sharp from 'sharp';

sharp.concurrency(1);

/** Interleaved RGB. */
export async function decode(path) {
  const { data, info } = await sharp(path)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/** `embed`: the length of the embedding of a photograph's face, 0 where none is found. */
export async function serveRounds({ photographs, versions, embed }) {
  const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  await embed(photographs[0]);
  answer({ ready: versions });
  for await (const _ of createInterface({ input: process.stdin })) {
    const start = performance.now();
    let embedded = 0;
    for (const path of photographs) if ((await embed(path)) > 0) embedded++;
    answer({ seconds: (performance.now() - start) / 1000, embedded });
  }
}
