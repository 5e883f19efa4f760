/**
 * The KDEF evaluation put right. In every fold the people are in three groups that share nobody: the test people;
 * those from whom the generator may learn and whose posture codes are its targets; and those from whom the pose and
 * emotion classifiers learn, who are distractor classes of identification. The person is gender and number, both
 * sittings together; test rows are standardised by the training rows. Never run on the real set.
 *
 * - identity: a person is enrolled with the straight faces of one sitting; asked are all their turned faces.
 * - pose, emotion: of every sitting and emotion a random half of the angles is known and the variants fill the
 *   others; asked are all faces of the test people.
 */
import { ConfigError } from '../../shared/errors.ts';
import {
  KDEF_ANGLES,
  type KdefAngle,
  type KdefEmotion,
  kdefSubjectOf,
} from '../../shared/labels/kdefName.ts';
import { type Random, randomInt, seededRandom, shuffle } from '../../shared/random.ts';
import {
  type ClassifyRows,
  columnScale,
  type FitKdefGenerator,
  jitterLike,
  KDEF_ROWS,
  type KdefFace,
  type KdefGenerator,
  type KdefPair,
  type KdefRow,
  type KdefScore,
  type KdefTask,
  scaleRows,
  scoreAnswers,
} from './kdefFaces.ts';
import { type CorrectedOptions, groupPeople, type KdefGroups } from './kdefGroups.ts';

/**
 * Runs all folds and joins them: every person is asked about once. `fit` receives pairs of the generator's people
 * only; a generator that was trained elsewhere must not have seen any of the set.
 *
 * @throws ConfigError when there are too few people or no straight or turned faces.
 */
export async function kdefCorrected(
  faces: readonly KdefFace[],
  fit: FitKdefGenerator,
  classify: ClassifyRows,
  options: CorrectedOptions,
): Promise<KdefScore[]> {
  const joined = new Map<string, KdefScore>();
  for (const groups of groupPeople(faces, options)) {
    const random = seededRandom(options.seed, 'kdef-fold', groups.fold);
    const generate = await fit(trainingPairs(groups.generator, random));
    for (const score of [
      ...(await identityScores(groups, generate, classify, random)),
      ...(await labelScores(groups, generate, classify, random)),
    ]) {
      const before = joined.get(`${score.task} ${score.row}`);
      const both = before === undefined ? score : join(before, score);
      joined.set(`${score.task} ${score.row}`, both);
    }
  }
  return [...joined.values()];
}

/** For every two angles of a sitting and emotion: the posture of a random face at the output's angle and emotion. */
function trainingPairs(faces: readonly KdefFace[], random: Random): KdefPair[] {
  const pairs: KdefPair[] = [];
  for (const sitting of bySittingAndEmotion(faces)) {
    for (const input of sitting) {
      for (const output of sitting) {
        if (input === output) continue;
        const posture = postureFor(faces, output.labels.angle, output.labels.emotion, random);
        if (posture !== undefined) pairs.push({ input, posture, output });
      }
    }
  }
  return pairs;
}

async function identityScores(
  groups: KdefGroups,
  generate: KdefGenerator,
  classify: ClassifyRows,
  random: Random,
): Promise<KdefScore[]> {
  const enrolled = [...groups.test, ...groups.classifier].filter(isEnrolled);
  const probes = groups.test.filter((face) => face.labels.angle !== 'S');
  const turned = KDEF_ANGLES.filter((angle) => angle !== 'S');
  const wanted = wantedVariants(groups, enrolled, () => turned, random);
  if (enrolled.length === 0 || probes.length === 0 || wanted.length === 0) {
    throw new ConfigError(
      'too-few-kdef-faces',
      'KDEF protocol: expected straight and turned faces of the people of every fold, found none',
      { fold: groups.fold, straight: enrolled.length, turned: probes.length, targets: wanted.length },
    );
  }
  return scoresOf(['identity'], { known: enrolled, probes, wanted }, generate, classify, random);
}

/** A straight face of the person's first sitting, whichever that is in the corpus. */
function isEnrolled(face: KdefFace, _: number, all: readonly KdefFace[]): boolean {
  if (face.labels.angle !== 'S') return false;
  if (face.labels.session === 'A') return true;
  const subjectId = kdefSubjectOf(face.labels);
  return !all.some(
    ({ labels }) => kdefSubjectOf(labels) === subjectId && labels.session === 'A' && labels.angle === 'S',
  );
}

async function labelScores(
  groups: KdefGroups,
  generate: KdefGenerator,
  classify: ClassifyRows,
  random: Random,
): Promise<KdefScore[]> {
  const known: KdefFace[] = [];
  const wanted: Wanted[] = [];
  for (const sitting of bySittingAndEmotion(groups.classifier)) {
    const chosen = shuffle(random, [...sitting]).slice(0, Math.ceil(sitting.length / 2));
    known.push(...chosen);
    const missing = KDEF_ANGLES.filter((angle) => !chosen.some((face) => face.labels.angle === angle));
    const source = chosen[randomInt(random, chosen.length)]!;
    wanted.push(...wantedVariants(groups, [source], () => missing, random));
  }
  return scoresOf(['pose', 'emotion'], { known, probes: groups.test, wanted }, generate, classify, random);
}

/** A variant to make, with the labels that it will have. */
interface Wanted {
  readonly input: KdefFace;
  readonly posture: KdefFace;
}

function wantedVariants(
  groups: KdefGroups,
  inputs: readonly KdefFace[],
  anglesOf: (input: KdefFace) => readonly KdefAngle[],
  random: Random,
): Wanted[] {
  const wanted: Wanted[] = [];
  for (const input of inputs) {
    for (const angle of anglesOf(input)) {
      const posture = postureFor(groups.generator, angle, input.labels.emotion, random);
      if (posture !== undefined) wanted.push({ input, posture });
    }
  }
  return wanted;
}

/** A random face at this angle, with this emotion where there is one. */
function postureFor(
  faces: readonly KdefFace[],
  angle: KdefAngle,
  emotion: KdefEmotion,
  random: Random,
): KdefFace | undefined {
  const atAngle = faces.filter((face) => face.labels.angle === angle);
  const sameEmotion = atAngle.filter((face) => face.labels.emotion === emotion);
  const choice = sameEmotion.length > 0 ? sameEmotion : atAngle;
  return choice[randomInt(random, choice.length)];
}

async function scoresOf(
  tasks: readonly KdefTask[],
  data: { known: readonly KdefFace[]; probes: readonly KdefFace[]; wanted: readonly Wanted[] },
  generate: KdefGenerator,
  classify: ClassifyRows,
  random: Random,
): Promise<KdefScore[]> {
  const { known, probes, wanted } = data;
  const variants = wanted.length > 0 ? await generate(wanted) : [];
  const sources = wanted.map(({ input }) => input.embedding);
  const added: Record<KdefRow, readonly Float32Array[]> = {
    none: [],
    jitter: jitterLike(random, sources, variants),
    generated: variants,
  };
  const scores: KdefScore[] = [];
  for (const row of KDEF_ROWS) {
    const rows = [...known.map((face) => face.embedding), ...added[row]];
    const scale = columnScale(rows);
    const scaled = scaleRows(rows, scale);
    const test = scaleRows(
      probes.map((face) => face.embedding),
      scale,
    );
    for (const task of tasks) {
      const classes = known.map((face) => classOf(task, face, face));
      // Noise leaves the source's angle; a variant has the target's.
      if (row === 'jitter') classes.push(...wanted.map(({ input }) => classOf(task, input, input)));
      if (row === 'generated') classes.push(...wanted.map((one) => classOf(task, one.input, one.posture)));
      const answers = await classify({ rows: scaled, classes }, test);
      const asked = probes.map((face, i) => ({ face, right: answers[i] === classOf(task, face, face) }));
      scores.push(scoreAnswers(task, row, rows.length, asked));
    }
  }
  return scores;
}

function classOf(task: KdefTask, identity: KdefFace, posture: KdefFace): string {
  switch (task) {
    case 'identity':
      return kdefSubjectOf(identity.labels);
    case 'pose':
      return posture.labels.angle;
    case 'emotion':
      return identity.labels.emotion;
  }
}

function bySittingAndEmotion(faces: readonly KdefFace[]): KdefFace[][] {
  const groups = new Map<string, KdefFace[]>();
  for (const face of faces) {
    const key = `${face.labels.session}${kdefSubjectOf(face.labels)}${face.labels.emotion}`;
    groups.set(key, [...(groups.get(key) ?? []), face]);
  }
  return [...groups.values()];
}

function join(a: KdefScore, b: KdefScore): KdefScore {
  return { ...a, trainingRows: a.trainingRows + b.trainingRows, subjects: [...a.subjects, ...b.subjects] };
}
