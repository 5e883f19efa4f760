/**
 * How well the product's own alignment separates people: share of images kept and equal error rate over all pairs,
 * for every detector and recogniser asked for.
 *
 *     node dist/bench/accuracy.js [--detectors a,b] [--recognizers a,b] FOLDER…
 *
 * A folder holds one folder a person. Prints a Markdown table; see docs/accuracy.md.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import type { FaceOutcome, Rejection } from '../src/shared/face.ts';
import { openFacePipeline } from '../src/worker/facePipeline.ts';
import { resolvePipelineModels } from '../src/worker/models/pipelineModels.ts';
import { equalErrorRate, type Labelled } from './equalErrorRate.ts';
import { listPhotographs, type Photograph } from './photographs.ts';

const BATCH = 16;

async function processAll(detector: string, recognizer: string, photographs: readonly Photograph[]) {
  const { models } = await resolvePipelineModels({ detector, recognizer }, console.error);
  const pipeline = await openFacePipeline({ models, aligned: false, device: 'cpu', intraOpThreads: 1 });
  const outcomes: FaceOutcome[] = [];
  for (let start = 0; start < photographs.length; start += BATCH) {
    const part = photographs.slice(start, start + BATCH);
    const inputs = await Promise.all(
      part.map(async ({ path }) => ({ faceId: path, bytes: await readFile(path) })),
    );
    outcomes.push(...(await pipeline.process(inputs)));
  }
  await pipeline.close();
  return outcomes;
}

function countCodes(rejections: readonly Rejection[]): string {
  const counts = new Map<string, number>();
  for (const { code } of rejections) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${count} ${code}`).join(', ');
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      detectors: { type: 'string', default: 'fr-detect,mtcnn' },
      recognizers: { type: 'string', default: 'fr-feature,mobilefacenet-192' },
    },
  });
  console.log('| images | detector | recogniser | kept | equal error rate | rejected |');
  console.log('|---|---|---|--:|--:|---|');
  for (const folder of positionals) {
    const photographs = await listPhotographs(folder);
    for (const detector of values.detectors.split(',')) {
      for (const recognizer of values.recognizers.split(',')) {
        const outcomes = await processAll(detector, recognizer, photographs);
        const faces = outcomes.flatMap((outcome, i): Labelled[] =>
          outcome.status === 'ok'
            ? [{ subjectId: photographs[i]!.subjectId, embedding: outcome.face.embedding }]
            : [],
        );
        const rejections = outcomes.flatMap((o) => (o.status === 'rejected' ? [o.rejection] : []));
        const kept = `${faces.length}/${photographs.length} (${((100 * faces.length) / photographs.length).toFixed(1)} %)`;
        const rate = `${(100 * equalErrorRate(faces)).toFixed(2)} %`;
        console.log(
          `| ${basename(folder)} | ${detector} | ${recognizer} | ${kept} | ${rate} | ${countCodes(rejections)} |`,
        );
      }
    }
  }
}

await main();
