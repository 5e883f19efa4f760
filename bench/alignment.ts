/**
 * Whether turned faces are better aligned another way: recognition of the same faces under every way of
 * alignment/ways.ts. Only faces whose landmarks lie as on a head turned by more than 45° are aligned differently.
 *
 *     node dist/bench/alignment.js [--recognizers a,b] [--detectors mtcnn,yunet] TURNED DISTRACTORS
 *
 * TURNED is made for UMIST (people turned from frontal to profile), DISTRACTORS for ORL. Prints Markdown tables; see
 * docs/decisions/profile-alignment.md.
 */
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { isRejection } from '../src/shared/face.ts';
import { openRecognizer } from '../src/worker/models/openModels.ts';
import { resolvePipelineModels } from '../src/worker/models/pipelineModels.ts';
import type { Recognizer } from '../src/worker/models/recognizer.ts';
import { warpCrop } from '../src/worker/stages/align.ts';
import type { Similarity } from '../src/worker/stages/alignTransform.ts';
import { embedCrops } from '../src/worker/stages/embed.ts';
import { alignByEye, HEAD_TURNS } from './alignment/byEye.ts';
import {
  BINS,
  bootstrapDifference,
  identified,
  type PersonScore,
  type Scores,
  scoreTurned,
  type TurnedFace,
} from './alignment/scores.ts';
import { type SeenFace, seeFaces } from './alignment/seenFaces.ts';
import { fitHead, type HeadShape, meanHead } from './alignment/turnedHead.ts';
import { alignmentWays, type Way } from './alignment/ways.ts';
import { equalErrorRate } from './equalErrorRate.ts';
import { listPhotographs } from './photographs.ts';

/** Degrees of the layout from which a way may differ from the product's. */
const TURNED = 45;
/** Degrees up to which a distractor is frontal enough for the average head. */
const FRONTAL = 10;

/** A seen face with how far it is turned by its landmarks (signed) and for the bins (unsigned). */
interface Turned {
  readonly seen: SeenFace;
  readonly layoutYaw: number;
  readonly turn: number;
}

interface Measured {
  readonly all: readonly TurnedFace[];
  readonly kept: readonly TurnedFace[];
}

const percent = (share: number) => (100 * share).toFixed(1);

/**
 * Pose meter and layout both err at profile, and never upwards together: the turn is the larger of the two, and does
 * not fall again outwards from the person's most frontal photograph, as the photographs are in the order of a turn.
 */
function withTurn(faces: readonly SeenFace[], head: HeadShape, inOrder: boolean): Turned[] {
  return [...new Set(faces.map(({ subjectId }) => subjectId))].flatMap((id) => {
    const own = faces.filter(({ subjectId }) => subjectId === id);
    const layout = own.map(({ located }) => fitHead(head, located.points68).yaw);
    const turns = own.map(({ kept, yaw }, i) => (kept ? Math.max(Math.abs(yaw), Math.abs(layout[i]!)) : 0));
    if (inOrder) {
      const frontal = turns.reduce(
        (best, turn, i) => (own[i]!.kept && (!own[best]!.kept || turn < turns[best]!) ? i : best),
        0,
      );
      for (let i = frontal + 1; i < turns.length; i++) turns[i] = Math.max(turns[i]!, turns[i - 1]!);
      for (let i = frontal - 1; i >= 0; i--) turns[i] = Math.max(turns[i]!, turns[i + 1]!);
    }
    return own.map((seen, i) => ({ seen, layoutYaw: layout[i]!, turn: turns[i]! }));
  });
}

/** Aligns and embeds a face; one embedding for the same face and the same alignment, however often it is asked for. */
type Embed = (face: SeenFace, toCrop: Similarity) => Promise<Float32Array>;

function rememberingEmbed(recognizer: Recognizer): Embed {
  const known = new Map<string, Float32Array>();
  return async (face, toCrop) => {
    const key = `${face.path} ${toCrop.a} ${toCrop.b} ${toCrop.tx} ${toCrop.ty}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const embedding = (await embedCrops(recognizer, [warpCrop(face.located.picture, toCrop)]))[0]!;
    if (isRejection(embedding)) throw new Error(`a crop has no embedding [photograph=${face.path}]`);
    known.set(key, embedding);
    return embedding;
  };
}

async function measureWay(embed: Embed, faces: readonly Turned[], product: Way, way: Way): Promise<Measured> {
  const all: TurnedFace[] = [];
  for (const { seen, layoutYaw, turn } of faces) {
    const toCrop = (Math.abs(layoutYaw) > TURNED ? way(seen) : undefined) ?? product(seen);
    if (toCrop === undefined) throw new Error(`five points coincide [photograph=${seen.path}]`);
    all.push({ subjectId: seen.subjectId, turn, embedding: await embed(seen, toCrop) });
  }
  return { all, kept: all.filter((_, i) => faces[i]!.seen.kept) };
}

/** For each person the way that is best for all others (`first` where several are): what choosing would really give. */
function leaveOneOut(scores: ReadonlyMap<string, Scores>, first: string): ReadonlyMap<string, PersonScore> {
  const people = [...scores.get(first)!.people.keys()];
  return new Map(
    people.map((left) => {
      const others = (way: string) =>
        identified([...scores.get(way)!.people].flatMap(([id, score]) => (id === left ? [] : [score])));
      const best = [...scores.keys()].reduce((a, b) => (others(b) > others(a) ? b : a), first);
      return [left, scores.get(best)!.people.get(left)!];
    }),
  );
}

async function compareWays(
  embed: Embed,
  turned: readonly Turned[],
  distractors: readonly Turned[],
  ways: ReadonlyMap<string, Way>,
): Promise<void> {
  const [first, product] = [...ways][0]!;
  const scores = new Map<string, Scores>();
  console.log(
    `| alignment of turned faces | equal error rate | frontal–turned | nearest mean | ${BINS.map(([from, to]) => `${from}–${to}°`).join(' | ')} | difference (95 %) | equal error rate with the rejected | distractors |`,
  );
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|');
  for (const [name, way] of ways) {
    const measured = await measureWay(embed, turned, product, way);
    const beside = await measureWay(embed, distractors, product, way);
    const score = scoreTurned(measured.kept, beside.all);
    scores.set(name, score);
    console.log(
      `| ${[
        name,
        percent(score.equalErrorRate),
        percent(score.frontalTurned),
        percent(identified(score.people.values())),
        ...score.bins.map((bin) => percent(identified([bin]))),
        differenceOf(score.people, scores.get(first)!.people),
        percent(equalErrorRate(measured.all)),
        (100 * equalErrorRate(beside.all)).toFixed(2),
      ].join(' | ')} |`,
    );
  }
  const chosen = leaveOneOut(scores, first);
  console.log(
    `\nBest way of the other people (leave one person out): nearest mean ${percent(identified(chosen.values()))}, difference ${differenceOf(chosen, scores.get(first)!.people)}.\n`,
  );
}

function differenceOf(one: ReadonlyMap<string, PersonScore>, other: ReadonlyMap<string, PersonScore>) {
  const [low, high] = bootstrapDifference(one, other);
  const difference = identified(one.values()) - identified(other.values());
  return `${percent(difference)} (${percent(low)} … ${percent(high)})`;
}

/** Profiles aligned by points that were placed by eye: similarity to their person and to the nearest other. */
async function compareByEye(
  embed: Embed,
  turned: readonly Turned[],
  product: Way,
  head: HeadShape,
): Promise<void> {
  const nameOf = ({ path }: SeenFace) => join(basename(dirname(path)), basename(path));
  const placed = turned.filter(({ seen }) => alignByEye(head, nameOf(seen), 0) !== undefined);
  if (placed.length === 0) return;
  const { kept } = await measureWay(embed, turned, product, product);
  const ways: [string, Way][] = [
    ['product', product],
    ...HEAD_TURNS.map((yaw): [string, Way] => [
      `by eye, far points as at ${yaw}°`,
      (face) => alignByEye(head, nameOf(face), yaw),
    ]),
  ];
  console.log(
    `| ${placed.length} profiles, ${placed.filter(({ seen }) => seen.kept).length} of them kept | recognised among ${new Set(kept.map(({ subjectId }) => subjectId)).size} people |`,
  );
  console.log('|---|--:|');
  for (const [name, way] of ways) {
    const { all } = await measureWay(embed, placed, product, way);
    // Halved, no turn makes a probe and the order stays: the placed ones alone are probes.
    const probes = all.map((face) => ({ ...face, turn: 90 }));
    const enrolled = kept.map((face) => ({ ...face, turn: face.turn / 2 }));
    const score = identified(scoreTurned([...enrolled, ...probes], []).people.values());
    console.log(`| ${name} | ${Math.round(score * placed.length)} |`);
  }
  console.log('');
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      recognizers: { type: 'string', default: 'fr-feature,mobilefacenet-192' },
      detectors: { type: 'string', default: 'mtcnn' },
    },
  });
  const [turnedFolder, distractorFolder] = positionals;
  if (turnedFolder === undefined || distractorFolder === undefined) {
    throw new Error('expected two folders, the turned people and the distractors');
  }
  const otherDetectors = values.detectors.split(',');
  const see = async (folder: string) => {
    const photographs = await listPhotographs(folder);
    const faces = await seeFaces(photographs, otherDetectors);
    const kept = faces.filter((face) => face.kept).length;
    console.log(
      `${basename(folder)}: ${photographs.length} photographs, ${faces.length} found, ${kept} kept\n`,
    );
    return faces.map((face) => ({ ...face, subjectId: join(basename(folder), face.subjectId) }));
  };
  const turnedFaces = await see(turnedFolder);
  const distractorFaces = await see(distractorFolder);
  const head = meanHead(
    distractorFaces.filter(({ yaw }) => Math.abs(yaw) < FRONTAL).map(({ located }) => located.points68),
  );
  const turned = withTurn(turnedFaces, head, true);
  const distractors = withTurn(distractorFaces, head, false);
  const ways = alignmentWays(head, otherDetectors);
  for (const name of values.recognizers.split(',')) {
    const { models } = await resolvePipelineModels(
      { detector: 'fr-detect', recognizer: name },
      console.error,
    );
    const recognizer = await openRecognizer(models.recognizer, { device: 'cpu', intraOpThreads: 1 });
    console.log(`### ${name}\n`);
    const embed = rememberingEmbed(recognizer);
    await compareWays(embed, turned, distractors, ways);
    await compareByEye(embed, turned, [...ways.values()][0]!, head);
    await recognizer.close();
  }
}

await main();
