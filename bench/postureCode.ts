/**
 * Does the posture code mean what the paper says? Linear probes and retrieval, always learnt from other people than
 * those who are asked about; intervals are 95 % bootstrap intervals over people.
 *
 *     node dist/bench/postureCode.js MODEL_FOLDER SAMPLES.arrow …
 *
 * SAMPLES.arrow is OUT/work/samples.arrow of a training; several are joined. Invented people are left out. Prints
 * Markdown; docs/science.md has what it says.
 */
import { parseArgs } from 'node:util';
import { drawPeople, interval } from '../src/evaluate/bootstrap.ts';
import { openBackend } from '../src/fra/backend.ts';
import { type FraModel, openFraModel } from '../src/fra/fraModel.ts';
import { subjectDigest } from '../src/fra/training/splitSubjects.ts';
import { openCombiner } from '../src/worker/models/combiner.ts';
import { readPostureFaces } from './postureCode/faces.ts';
import {
  type Found,
  findPeople,
  findPeopleWhitened,
  SEARCHES,
  type SearchName,
} from './postureCode/identityRetrieval.ts';
import { type Claim, openJudges } from './postureCode/keptByVariants.ts';
import {
  ANSWER_MEASURES,
  type Answer,
  answerTally,
  READING_MEASURES,
  type Reading,
  readingTally,
  tally,
} from './postureCode/personTally.ts';
import { FEATURES, type Feature, type PostureFace } from './postureCode/postureFace.ts';
import { POSE_NAMES, type PoseName, readExpressions, readPoses } from './postureCode/readings.ts';
import { donorsOf, makeVariants } from './postureCode/variants.ts';

const SEED = 1;
const RESAMPLES = 1000;
const LABELS: Readonly<Record<Feature, string>> = {
  code: 'posture code',
  landmarks: '136 landmarks',
  embedding: 'identity embedding',
};
const ALL_FEATURES = Object.keys(FEATURES) as Feature[];
/** Unsigned degrees of yaw. */
const BANDS = [
  { label: 'to 20°', from: 0, to: 20 },
  { label: '20–45°', from: 20, to: 45 },
  { label: 'beyond 45°', from: 45, to: 180 },
] as const;

const draws = new Map<number, Float64Array[]>();
function drawsOf(people: number): Float64Array[] {
  const known = draws.get(people) ?? drawPeople(people, RESAMPLES, SEED);
  draws.set(people, known);
  return known;
}

function readingCell(
  readings: readonly Reading[],
  measure: keyof typeof READING_MEASURES,
  digits: number,
): string {
  return cell(tally(readings.map(readingTally), READING_MEASURES[measure], drawsOf), digits);
}

function answerCell(answers: readonly Answer[], measure: keyof typeof ANSWER_MEASURES): string {
  return cell(tally(answers.map(answerTally), ANSWER_MEASURES[measure], drawsOf), 3);
}

function cell(resampled: Parameters<typeof interval>[0], digits: number): string {
  const found = interval(resampled);
  if (found === undefined) return '–';
  const [value, low, high] = [found.value, found.low, found.high].map((number) =>
    number.toFixed(digits).replace(/^-(0\.?0*)$/, '$1'),
  );
  return `${value} (${low} … ${high})`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows];
  process.stdout.write(`${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n\n`);
}

function title(text: string): void {
  process.stdout.write(`### ${text}\n\n`);
}

function printPoses(faces: readonly PostureFace[], isUnseen: (subjectId: string) => boolean): void {
  title('Pose, read by a ridge probe');
  const row = (label: string, read: Record<PoseName, readonly Reading[]>) => [
    label,
    ...POSE_NAMES.flatMap((name) => [
      readingCell(read[name], 'rSquared', 3),
      readingCell(read[name], 'meanAbsoluteError', 2),
    ]),
  ];
  const unseenOf = (readings: readonly Reading[]) => readings.filter(({ subjectId }) => isUnseen(subjectId));
  const rows = ALL_FEATURES.flatMap((feature) => {
    const read = readPoses(faces, feature, SEED);
    const first = row(LABELS[feature], read);
    if (feature !== 'code' || unseenOf(read.yaw).length === 0) return [first];
    const { yaw, turn, pitch } = read;
    const unseen = { yaw: unseenOf(yaw), turn: unseenOf(turn), pitch: unseenOf(pitch) };
    return [first, row('… people the encoder has not learnt from', unseen)];
  });
  const columns = ['yaw', 'unsigned yaw', 'pitch'].flatMap((name) => [`${name}, R²`, 'mean error °']);
  table(['', ...columns], rows);
}

function printExpressions(faces: readonly PostureFace[], isUnseen: (subjectId: string) => boolean): void {
  title('Expression (neutral or smile), balanced accuracy of a linear probe; chance is 0.5');
  const groups = [
    faces.filter(({ gridIndex }) => gridIndex === -1),
    faces.filter(({ gridIndex }) => gridIndex >= 0),
  ];
  const rows = ALL_FEATURES.flatMap((feature) => {
    const read = groups.map((group) => readExpressions(group, feature, SEED));
    const row = (label: string, of: readonly (readonly Answer[])[]) => [
      label,
      ...of.map((answers) => answerCell(answers, 'balancedAccuracy')),
    ];
    const unseen = read.map((answers) => answers.filter(({ subjectId }) => isUnseen(subjectId)));
    const first = row(LABELS[feature], read);
    return feature === 'code' && unseen[0]!.length > 0
      ? [first, row('… people the encoder has not learnt from', unseen)]
      : [first];
  });
  table(['', `${groups[0]!.length} photographs`, `${groups[1]!.length} renders`], rows);
}

function printIdentity(faces: readonly PostureFace[]): void {
  title('Identity: rank-1 of the nearest face, one face of everybody');
  const names = Object.keys(SEARCHES) as SearchName[];
  const shares = (found: readonly Found[]) => found.map(({ answers }) => answerCell(answers, 'share'));
  const plain = ALL_FEATURES.map((feature) =>
    names.map((name) => findPeople(faces, name, FEATURES[feature])),
  );
  table(
    ['', ...names],
    [
      ['chance', ...plain[0]!.map(({ chance }) => chance.toFixed(3))],
      ...ALL_FEATURES.flatMap((feature, i) => [
        [LABELS[feature], ...shares(plain[i]!)],
        ['… whitened by other people’s changes', ...shares(findPeopleWhitened(faces, names, feature, SEED))],
      ]),
    ],
  );
}

async function printVariants(model: FraModel, faces: readonly PostureFace[]): Promise<void> {
  const learnt = new Set(model.card.training.subjectDigests);
  const validating = new Set(model.card.training.validationDigests);
  const isJudged = ({ subjectId }: PostureFace) => {
    const digest = subjectDigest(subjectId);
    return !learnt.has(digest) || validating.has(digest);
  };
  const judged = faces.filter(isJudged);
  const people = new Set(judged.map(({ subjectId }) => subjectId));
  const choosers = [...people].filter((subjectId) => validating.has(subjectDigest(subjectId))).length;
  title(
    `What variants keep: ${people.size} people the generator has not learnt from (${choosers} of them chose its settings)`,
  );
  if (people.size === 0) return;
  const isPhotograph = ({ gridIndex }: PostureFace) => gridIndex === -1;
  const judges = openJudges(
    faces.filter((face) => !isJudged(face)),
    faces.filter(isPhotograph),
    SEED,
  );
  const combiner = await openCombiner(model.paths.combiner, { device: 'cpu', intraOpThreads: 1 });
  const photographs = judged.filter(isPhotograph);
  const variants = await makeVariants(photographs, model.bank, donorsOf(model.bank, faces), combiner, SEED);
  await combiner.close();
  const renders: Claim[] = judged.filter((face) => !isPhotograph(face));
  const unchanged = variants.map((variant): Claim => ({ ...variant, embedding: variant.source }));
  const row = (label: string, claims: readonly Claim[]) => [
    label,
    String(claims.length),
    answerCell(judges.identity(claims), 'share'),
    answerCell(judges.expression(claims), 'balancedAccuracy'),
    ...POSE_NAMES.map((name) => readingCell(judges.pose(claims, name), 'correlation', 3)),
  ];
  const byBand = (label: string, claims: readonly Claim[]) =>
    BANDS.map(({ label: band, from, to }) =>
      row(
        `${label}, ${band}`,
        claims.filter(({ pose }) => Math.abs(pose.yaw) >= from && Math.abs(pose.yaw) < to),
      ),
    );
  const sameDonor = variants.filter(({ expression, donorExpression }) => donorExpression === expression);
  const otherDonor = variants.filter(
    ({ expression, donorExpression }) => donorExpression !== undefined && donorExpression !== expression,
  );
  table(
    ['', 'embeddings', 'rank-1', 'expression kept', 'yaw, correlation', 'unsigned yaw', 'pitch'],
    [
      row('photographs', photographs),
      row('unchanged, in the place of variants', unchanged),
      row('variants', variants),
      ...byBand('variants', variants),
      row('variants, posture of somebody with the same expression', sameDonor),
      row('variants, posture of somebody with the other expression', otherDonor),
      row('renders', renders),
      ...byBand('renders', renders),
    ],
  );
}

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [folder, ...paths] = positionals;
  if (folder === undefined || paths.length === 0) {
    throw new Error('expected a model folder and files of samples');
  }
  await openBackend('cpu', 1);
  const model = await openFraModel(folder);
  const faces = await readPostureFaces(paths, model);
  const people = new Set(faces.map(({ subjectId }) => subjectId)).size;
  process.stdout.write(
    `${model.card.name} (${model.card.architecture.combiner.kind}): ${people} people, ${faces.length} faces\n\n`,
  );
  const learnt = new Set(model.card.training.subjectDigests);
  const isUnseen = (subjectId: string) => {
    const digest = subjectDigest(subjectId);
    return !learnt.has(digest) || model.card.training.validationDigests.includes(digest);
  };
  printPoses(faces, isUnseen);
  printExpressions(faces, isUnseen);
  printIdentity(faces);
  await printVariants(model, faces);
}

await main();
