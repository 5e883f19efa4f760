/**
 * Views of photographs → embeddings of every recogniser, through the same face pipeline that a worker uses. What was
 * computed before comes from DIR/work. A view is detected and aligned once, whatever the number of recognisers.
 */
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapInOrder } from '../../shared/async/mapInOrder.ts';
import { createReleasers, type Releasers } from '../../shared/async/releasers.ts';
import type { ReadOutcome } from '../../shared/corpus/corpusSource.ts';
import { type Photographs, READ_AHEAD } from '../../shared/corpus/photographs.ts';
import {
  type FaceInput,
  type FaceRecord,
  isRejection,
  type Pose,
  type ProcessedFace,
} from '../../shared/face.ts';
import { cropHash, photographDigest } from '../../shared/photographDigest.ts';
import { type FacePipeline, openFacePipeline } from '../../worker/facePipeline.ts';
import { openDetector, openLandmarks, openRecognizer } from '../../worker/models/openModels.ts';
import type { PipelineModels } from '../../worker/models/pipelineModels.ts';
import type { Recognizer } from '../../worker/models/recognizer.ts';
import { embedCrops } from '../../worker/stages/embed.ts';
import { pipelineCodeDigest } from './codeDigest.ts';
import { type ViewKind, type ViewOutcome, viewKey } from './faceView.ts';
import { mirrorPicture, openTurn, type TurnNetworks } from './turnedPictures.ts';
import { readViewCache, type ViewCache, writeViewCache } from './viewCache.ts';

/** A photograph of a corpus and the views of it that are wanted. */
export interface ViewRequest {
  readonly photographs: Photographs;
  readonly face: FaceRecord;
  readonly views: readonly ViewKind[];
}

/** The answers to one request, in the order of its views. */
export interface EmbeddedViews {
  /** sha256 of the image file; undefined when it could not be read. */
  readonly sha256: string | undefined;
  /** Recogniser name → one outcome a view. */
  readonly outcomes: ReadonlyMap<string, readonly ViewOutcome[]>;
}

export interface EmbedOptions {
  /** One for each recogniser; everything but the recogniser is the same in all. */
  readonly recognizers: readonly PipelineModels[];
  /** Folder of the caches. */
  readonly work: string;
  readonly signal: AbortSignal;
  readonly progress: (done: number, total: number) => void;
}

interface OpenedRecognizer {
  readonly name: string;
  readonly embedDim: number;
  readonly network: Recognizer;
  readonly path: string;
  readonly key: string;
  readonly cache: ViewCache;
}

interface Networks extends TurnNetworks {
  readonly pipeline: FacePipeline;
  readonly recognizers: readonly OpenedRecognizer[];
}

/** Photographs whose views are computed between two writes of the caches. */
const WRITE_EVERY = 100;

/** Embeds everything that is asked for. */
export async function embedViews(
  requests: readonly ViewRequest[],
  options: EmbedOptions,
): Promise<EmbeddedViews[]> {
  const { signal, progress } = options;
  const releasers = createReleasers();
  try {
    const networks = await openNetworks(options, releasers);
    const answers: EmbeddedViews[] = [];
    let computed = 0;
    const write = async () => {
      if (computed > 0) await writeCaches(networks);
      computed = 0;
    };
    releasers.push('caches', write);
    const readings = mapInOrder(requests, READ_AHEAD, async (request) => {
      return { request, read: await request.photographs.read(request.face) };
    });
    for await (const { request, read } of readings) {
      signal.throwIfAborted();
      const { views, fresh } = await embedPhotograph(request, read, networks);
      answers.push(views);
      if (fresh && ++computed >= WRITE_EVERY) await write();
      progress(answers.length, requests.length);
    }
    return answers;
  } finally {
    await releasers.release();
  }
}

/** Views a second on one thread, all recognisers together; computed anew, caches are neither read nor written. */
export async function measureViewRate(
  requests: readonly ViewRequest[],
  options: Omit<EmbedOptions, 'progress'>,
): Promise<number | null> {
  const releasers = createReleasers();
  try {
    const networks = await openNetworks(options, releasers);
    for (const { cache } of networks.recognizers) cache.clear();
    let started = performance.now();
    let views = 0;
    for (const [i, request] of requests.entries()) {
      options.signal.throwIfAborted();
      await embedPhotograph(request, await request.photographs.read(request.face), networks);
      // The first warms up.
      if (i === 0) started = performance.now();
      else views += request.views.length;
    }
    return views === 0 ? null : (1000 * views) / (performance.now() - started);
  } finally {
    await releasers.release();
  }
}

async function openNetworks(
  { recognizers, work }: Pick<EmbedOptions, 'recognizers' | 'work'>,
  releasers: Releasers,
): Promise<Networks> {
  await mkdir(work, { recursive: true });
  const [first] = recognizers as [PipelineModels, ...PipelineModels[]];
  const session = { device: 'cpu', intraOpThreads: 1 } as const;
  const pipeline = await releasers.keep(
    'network',
    openFacePipeline({ models: first.models, aligned: false, ...session }),
  );
  const detector = await releasers.keep('network', openDetector(first.models.detector, session));
  const landmarks = await releasers.keep('network', openLandmarks(first.models.landmarks, session));
  const code = await pipelineCodeDigest();
  const opened: OpenedRecognizer[] = [];
  for (const { models, recognizer, resolved } of recognizers) {
    const network = await releasers.keep('network', openRecognizer(models.recognizer, session));
    const { name } = recognizer;
    const digests = resolved.map((model) => `${model.name} ${model.digest}`);
    const key = createHash('sha256')
      .update(JSON.stringify([code, digests]))
      .digest('hex');
    const path = join(work, `views-${name}.arrow`);
    const cache = await readViewCache(path, key);
    opened.push({ name, embedDim: network.embedDim, network, path, key, cache });
  }
  return { pipeline, detector, landmarks, recognizers: opened };
}

async function writeCaches({ recognizers }: Networks): Promise<void> {
  for (const { path, key, embedDim, cache } of recognizers) await writeViewCache(path, key, embedDim, cache);
}

async function embedPhotograph(
  { face, views }: ViewRequest,
  read: ReadOutcome,
  networks: Networks,
): Promise<{ views: EmbeddedViews; fresh: boolean }> {
  if (read.status === 'rejected') {
    const outcome: ViewOutcome = { status: 'rejected', rejection: read.rejection };
    const outcomes = new Map(networks.recognizers.map(({ name }) => [name, views.map(() => outcome)]));
    return { views: { sha256: undefined, outcomes }, fresh: false };
  }
  const sha256 = photographDigest(read.bytes);
  const missing = views.filter((view) =>
    networks.recognizers.some(({ cache }) => !cache.has(viewKey(sha256, view))),
  );
  if (missing.length > 0) await compute(face.faceId, read.bytes, sha256, missing, networks);
  const outcomes = new Map(
    networks.recognizers.map(({ name, cache }) => [
      name,
      views.map((view) => cache.get(viewKey(sha256, view))!),
    ]),
  );
  return { views: { sha256, outcomes }, fresh: missing.length > 0 };
}

/** Makes the pictures, runs the pipeline on them and every recogniser on the crops; fills the caches. */
async function compute(
  faceId: string,
  bytes: Uint8Array,
  sha256: string,
  views: readonly ViewKind[],
  networks: Networks,
): Promise<void> {
  const turn = views.some(({ kind }) => kind === 'render') ? await openTurn(bytes, networks) : undefined;
  const pictures: { view: ViewKind; input: FaceInput }[] = [];
  for (const view of views) {
    const picture =
      view.kind === 'photograph'
        ? bytes
        : view.kind === 'mirrored'
          ? await mirrorPicture(bytes)
          : turn?.(view.yaw);
    if (picture === undefined) {
      const rejection = { stage: 'detect', code: 'no-face', message: 'no face to turn' } as const;
      keep(networks, sha256, view, { status: 'rejected', rejection });
    } else pictures.push({ view, input: { faceId: `${faceId} ${view.kind}`, bytes: picture } });
  }
  const outcomes = await networks.pipeline.process(pictures.map(({ input }) => input));
  const accepted: { view: ViewKind; face: ProcessedFace }[] = [];
  outcomes.forEach((outcome, i) => {
    const { view } = pictures[i]!;
    if (outcome.status === 'ok') accepted.push({ view, face: outcome.face });
    else keep(networks, sha256, view, outcome);
  });
  if (accepted.length === 0) return;
  const crops = accepted.map(({ face }) => face.crop);
  const hashes = crops.map(cropHash);
  for (const [k, { network, cache }] of networks.recognizers.entries()) {
    // The pipeline was opened with the first.
    const embeddings =
      k === 0 ? accepted.map(({ face }) => face.embedding) : await embedCrops(network, crops);
    accepted.forEach(({ view, face: { pose, landmarks } }, i) => {
      const embedding = embeddings[i]!;
      cache.set(
        viewKey(sha256, view),
        isRejection(embedding)
          ? { status: 'rejected', rejection: embedding }
          : { status: 'ok', view: { pose: asKept(pose), landmarks, cropHash: hashes[i]!, embedding } },
      );
    });
  }
}

/** As the cache gives it back: a second evaluation divides faces by the same numbers. */
function asKept({ yaw, pitch, roll }: Pose): Pose {
  return { yaw: Math.fround(yaw), pitch: Math.fround(pitch), roll: Math.fround(roll) };
}

function keep({ recognizers }: Networks, sha256: string, view: ViewKind, outcome: ViewOutcome): void {
  for (const { cache } of recognizers) cache.set(viewKey(sha256, view), outcome);
}
