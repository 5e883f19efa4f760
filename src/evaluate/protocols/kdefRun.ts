/** The KDEF protocols on a folder with the set's file names. Never run on the real set. */
import { readdir } from 'node:fs/promises';
import { sep } from 'node:path';
import { ConfigError } from '../../shared/errors.ts';
import { kdefSubjectOf } from '../../shared/labels/kdefName.ts';
import { drawLandmarkImage } from '../../shared/landmarkImage.ts';
import { openPostureEncoder } from '../../worker/models/openModels.ts';
import { countOutcome, embedPhotographs, newCounts } from './embedPhotographs.ts';
import { type KdefPhotograph, kdefPhotograph } from './kdefCorpus.ts';
import { kdefCorrected } from './kdefCorrected.ts';
import { type FitKdefGenerator, type KdefFace, NEVER_RUN_ON_KDEF } from './kdefFaces.ts';
import { fraKdefGenerator, ridgeKdefGenerator } from './kdefGenerators.ts';
import { kdefAsPublished, PUBLISHED_DEFECTS } from './kdefPublished.ts';
import { type KdefScores, kdefRows } from './kdefRows.ts';
import type { ProtocolInput, ProtocolModel } from './protocolInput.ts';
import type { ProtocolFindings } from './protocolResult.ts';
import { openRbfClassifier } from './rbfClassifier.ts';

/** Half of the people are tested at a time, a quarter teaches the generator, a quarter the classifiers. */
const CORRECTED_FOLDS = 2;
const RESAMPLES = 2000;
/** Landmark images that the encoder gets at a time. */
const ENCODE = 64;

/** @throws ConfigError when the folder holds no usable KDEF photographs. */
export async function runKdef(input: ProtocolInput): Promise<ProtocolFindings> {
  if (input.lists.length > 0) {
    throw new ConfigError('bad-protocol', 'protocol kdef: labels are in the file names, no list is read', {
      found: input.lists.join(' '),
    });
  }
  const { photographs, malformed } = await listKdef(input.corpus);
  const counts = newCounts();
  for (const _ of malformed) {
    countOutcome(counts, {
      status: 'rejected',
      rejection: { stage: 'read', code: 'bad-kdef-name', message: '' },
    });
  }
  const faces: EmbeddedKdefFace[] = [];
  const digests: string[] = [];
  const items = photographs.map((photograph) => ({ path: photograph.record.uri, photograph }));
  const source = { root: input.corpus, pool: input.pool, signal: input.signal, progress: input.progress };
  for await (const { item, sha256, outcome } of embedPhotographs(items, source)) {
    countOutcome(counts, outcome);
    if (sha256 !== undefined) digests.push(sha256);
    if (outcome.status !== 'ok') continue;
    const { embedding, landmarks } = outcome.face;
    if (landmarks === undefined) throw new Error('expected landmarks: posture codes are read off them');
    faces.push({ labels: item.photograph.labels, embedding, landmarks });
  }
  const subjects = [...new Set(faces.map(({ labels }) => kdefSubjectOf(labels)))];
  const leaks = input.findLeaks(digests, subjects);

  const generators: KdefScores[] = [];
  const judge = async (
    row: Omit<KdefScores, 'scores'>,
    known: readonly KdefFace[],
    fit: FitKdefGenerator,
  ) => {
    input.signal.throwIfAborted();
    generators.push({ ...row, scores: await scoresOf(input, known, fit) });
  };
  for (const model of input.models) {
    const { training } = model.model.card;
    await judge(
      {
        id: model.id,
        label: `FRA ${model.id}`,
        kind: 'generator',
        trainedOn: `${training.subjects} people: ${training.data}`,
      },
      await withCodes(faces, model),
      fraKdefGenerator(model.combiner),
    );
  }
  const published = input.protocol === 'kdef-published';
  await judge(
    {
      id: 'ridge',
      label: 'ridge map',
      kind: 'rival',
      trainedOn: published
        ? 'pairs of all people, those of the test too'
        : 'pairs of people who are not tested',
    },
    faces.map((face) => ({ ...face, postureCode: NO_CODE })),
    ridgeKdefGenerator,
  );
  return {
    ...kdefRows(generators, { resamples: RESAMPLES, seed: input.seed }),
    counts: { ...counts, asked: subjects.length, answered: subjects.length },
    intervals: `95 %, bootstrap over people, ${RESAMPLES} resamples; differences are paired by person`,
    defects: [...(published ? PUBLISHED_DEFECTS : []), ...leaks],
    notes: [
      `${NEVER_RUN_ON_KDEF}.`,
      published
        ? 'A FRA model given here was trained elsewhere and has not seen these people, unlike the one of the paper; the ridge map has, as there.'
        : 'Put right: test people are in no training, both sittings are one person, test rows are standardised by the training rows.',
      ...(malformed.length > 0
        ? [`${malformed.length} names could not be read: ${malformed.slice(0, 3).join('; ')}`]
        : []),
    ],
  };
}

type EmbeddedKdefFace = Omit<KdefFace, 'postureCode'> & {
  readonly landmarks: Parameters<typeof drawLandmarkImage>[0];
};

/** The ridge map looks at labels only. */
const NO_CODE = new Float32Array(0);

function scoresOf(input: ProtocolInput, faces: readonly KdefFace[], fit: FitKdefGenerator) {
  const { seed, samples } = input;
  const classify = openRbfClassifier();
  if (input.protocol === 'kdef-published') {
    return kdefAsPublished(faces, fit, classify, { samples, seed });
  }
  return kdefCorrected(faces, fit, classify, { folds: CORRECTED_FOLDS, seed });
}

async function withCodes(faces: readonly EmbeddedKdefFace[], { model }: ProtocolModel): Promise<KdefFace[]> {
  const encoder = await openPostureEncoder(model.paths.encoder, { device: 'cpu', intraOpThreads: 1 });
  try {
    const coded: KdefFace[] = [];
    for (let start = 0; start < faces.length; start += ENCODE) {
      const part = faces.slice(start, start + ENCODE);
      const codes = await encoder.encode(part.map(({ landmarks }) => drawLandmarkImage(landmarks)));
      part.forEach(({ labels, embedding }, i) => {
        coded.push({ labels, embedding, postureCode: codes[i]! });
      });
    }
    return coded;
  } finally {
    await encoder.close();
  }
}

/** All files below the folder: the set has one folder a sitting, some copies have one folder for all. */
async function listKdef(root: string): Promise<{ photographs: KdefPhotograph[]; malformed: string[] }> {
  let found: string[];
  try {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    found = entries
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) =>
        `${entry.parentPath}${sep}${entry.name}`
          .slice(root.length + 1)
          .split(sep)
          .join('/'),
      )
      .sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      'no-corpus',
      'corpus: expected a folder that can be read',
      { path: root, code },
      error,
    );
  }
  const photographs: KdefPhotograph[] = [];
  const malformed: string[] = [];
  for (const uri of found) {
    const outcome = kdefPhotograph({ faceId: uri, subjectId: '', uri, bytes: 0 });
    if (outcome.status === 'ok') photographs.push(outcome.photograph);
    else malformed.push(`${uri} (${outcome.rejection.message})`);
  }
  if (photographs.length === 0) {
    throw new ConfigError(
      'empty-corpus',
      'corpus: expected photographs with KDEF names such as AF01ANFL.JPG, found none',
      {
        path: root,
        files: found.length,
      },
    );
  }
  return { photographs, malformed };
}
