/**
 * The KDEF evaluation of arXiv 2301.11986 as its public code does it, defects included, so that its numbers can be
 * met on their own ground. What it says about people whom the generator has not seen: nothing.
 *
 * Samples are (input, posture, output): input and output are one sitting's faces with the posture's emotion, the
 * output at its angle. Walked in random order, a real face met first as an input becomes training data, one met
 * first as an output test data. SVM (RBF, C = 1, gamma = 1/D after standardising) on the real inputs, and on those
 * with all generated embeddings. Never run on the real set.
 */
import { ConfigError } from '../../shared/errors.ts';
import { kdefSubjectOf } from '../../shared/labels/kdefName.ts';
import { seededRandom, shuffle } from '../../shared/random.ts';
import {
  type ClassifyRows,
  columnScale,
  type FitKdefGenerator,
  jitterLike,
  KDEF_ROWS,
  KDEF_TASKS,
  type KdefFace,
  type KdefPair,
  type KdefRow,
  type KdefScore,
  type KdefTask,
  scaleRows,
  scoreAnswers,
} from './kdefFaces.ts';

/** What is wrong with it; shown with every number that it gives. */
export const PUBLISHED_DEFECTS = [
  'the generator was trained on the people and on the very embeddings of the test',
  'the session is a part of the identity: two sittings of a person are two classes',
  'the real embeddings of the test are the targets that the variants were made for',
  'test rows are standardised by their own statistics',
] as const;

export interface PublishedOptions {
  /** Samples, at most; the public code's --num-samples. */
  readonly samples: number;
  readonly seed: number;
}

/**
 * Runs it. `fit` receives all samples, those of the test people included: that is the defect.
 *
 * @throws ConfigError when the faces give no training or no test data.
 */
export async function kdefAsPublished(
  faces: readonly KdefFace[],
  fit: FitKdefGenerator,
  classify: ClassifyRows,
  options: PublishedOptions,
): Promise<KdefScore[]> {
  const pairs = publishedPairs(faces, options);
  const { inputs, outputs } = splitByFirstUse(pairs);
  if (inputs.length < 2 || outputs.length === 0) {
    throw new ConfigError(
      'too-few-kdef-faces',
      'KDEF protocol: expected sittings with one emotion at two angles or more, found too few',
      { faces: faces.length, samples: pairs.length },
    );
  }
  const generate = await fit(pairs);
  const variants = await generate(pairs);
  const sources = pairs.map(({ input }) => input.embedding);
  const jitter = jitterLike(seededRandom(options.seed, 'kdef-jitter'), sources, variants);

  const test = outputs.map((face) => face.embedding);
  const scaledTest = scaleRows(test, columnScale(test));
  const scores: KdefScore[] = [];
  for (const row of KDEF_ROWS) {
    const added = addedRows(row, variants, jitter);
    const rows = [...inputs.map((face) => face.embedding), ...added];
    const scaled = scaleRows(rows, columnScale(rows));
    for (const task of KDEF_TASKS) {
      const classes = inputs.map((face) => publishedClass(task, face));
      // A generated row has the labels of the face that it should be; noise leaves those of its source.
      if (row === 'generated') classes.push(...pairs.map(({ output }) => publishedClass(task, output)));
      if (row === 'jitter') classes.push(...pairs.map(({ input }) => publishedClass(task, input)));
      const answers = await classify({ rows: scaled, classes }, scaledTest);
      const asked = outputs.map((face, i) => ({ face, right: answers[i] === publishedClass(task, face) }));
      scores.push(scoreAnswers(task, row, rows.length, asked));
    }
  }
  return scores;
}

/** The samples in random order: posture faces of one sitting after the other, for every sitting of everybody. */
export function publishedPairs(faces: readonly KdefFace[], options: PublishedOptions): KdefPair[] {
  const random = seededRandom(options.seed, 'kdef-pairs');
  const sittings = new Map<string, KdefFace[]>();
  for (const face of faces) {
    const sitting = sittings.get(sittingOf(face));
    if (sitting === undefined) sittings.set(sittingOf(face), [face]);
    else sitting.push(face);
  }
  const people = shuffle(random, [...sittings.values()]);
  const pairs: KdefPair[] = [];
  for (const posture of people.flat()) {
    for (const sitting of people) {
      const sameEmotion = sitting.filter((face) => face.labels.emotion === posture.labels.emotion);
      for (const output of sameEmotion.filter((face) => face.labels.angle === posture.labels.angle)) {
        for (const input of sameEmotion) pairs.push({ input, posture, output });
      }
    }
    if (pairs.length >= options.samples) break;
  }
  // A posture's samples are made as a whole: the last one's may be more than were asked for.
  return shuffle(random, pairs).slice(0, options.samples);
}

function splitByFirstUse(pairs: readonly KdefPair[]): { inputs: KdefFace[]; outputs: KdefFace[] } {
  const seen = new Set<KdefFace>();
  const inputs: KdefFace[] = [];
  const outputs: KdefFace[] = [];
  for (const { input, output } of pairs) {
    if (!seen.has(input)) inputs.push(input);
    seen.add(input);
    if (!seen.has(output)) outputs.push(output);
    seen.add(output);
  }
  return { inputs, outputs };
}

function publishedClass(task: KdefTask, face: KdefFace): string {
  switch (task) {
    case 'identity':
      return sittingOf(face);
    case 'pose':
      return face.labels.angle;
    case 'emotion':
      return face.labels.emotion;
  }
}

/** The first four letters of the file name: the published identity. */
function sittingOf(face: KdefFace): string {
  return `${face.labels.session}${kdefSubjectOf(face.labels)}`;
}

function addedRows(
  row: KdefRow,
  variants: readonly Float32Array[],
  jitter: readonly Float32Array[],
): readonly Float32Array[] {
  switch (row) {
    case 'none':
      return [];
    case 'jitter':
      return jitter;
    case 'generated':
      return variants;
  }
}
