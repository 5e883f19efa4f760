/**
 * A published protocol on a user's own copy of its set: pair lists (LFW, CFP, CPLFW, CALFW), templates (IJB-B, IJB-C)
 * and KDEF. None of these sets may be redistributed, so none of this was ever run on them: lists and names were made
 * up for the tests from the formats' descriptions.
 */
import { join } from 'node:path';
import { ConfigError } from '../../shared/errors.ts';
import { version } from '../../shared/package.ts';
import { readCfpPairs } from './cfpPairs.ts';
import { countOutcome, type EmbedCounts, embedPhotographs, newCounts } from './embedPhotographs.ts';
import { FOLDS, type PairList } from './facePair.ts';
import { readTemplateFaces, readTemplatePairs } from './ijbLists.ts';
import { runKdef } from './kdefRun.ts';
import { readLabelledPairs } from './labelledPairs.ts';
import { readLfwPairs } from './lfwPairs.ts';
import { listProblem, measurePairs } from './pairProblem.ts';
import type { ProtocolInput } from './protocolInput.ts';
import type { ProtocolFindings, ProtocolResult } from './protocolResult.ts';
import { openTemplatePool } from './templatePool.ts';
import { templateProblem } from './templateProblem.ts';
import { fraMaker, jitterMaker, type VariantMaker } from './variantMaker.ts';

const NEVER_RUN =
  'Never run on the real set by the makers of posecast: the format was taken from its description.';

/** @throws ConfigError for a list or a folder that is not of the protocol's form, and on leakage. */
export async function runProtocol(input: ProtocolInput): Promise<ProtocolResult> {
  const started = input.clock();
  const findings = await findingsOf(input);
  return {
    schemaVersion: 1,
    kind: 'protocol',
    posecastVersion: version,
    command: input.command,
    finishedAt: new Date(input.clock()).toISOString(),
    seconds: (input.clock() - started) / 1000,
    protocol: input.protocol,
    corpus: input.corpus,
    lists: [...input.lists],
    recognizer: input.recognizer,
    detector: input.detector,
    variants: input.variants,
    seed: input.seed,
    ...findings,
  };
}

async function findingsOf(input: ProtocolInput): Promise<ProtocolFindings> {
  switch (input.protocol) {
    case 'lfw':
      return runPairs(input, await readLfwPairs(onlyList(input, 'pairs.txt')));
    case 'cplfw':
    case 'calfw':
      return runPairs(input, await readLabelledPairs(onlyList(input, 'the list of pairs')));
    case 'cfp-ff':
      return runPairs(input, await readCfpPairs(onlyList(input, 'the folder Protocol'), input.corpus, 'FF'));
    case 'cfp-fp':
      return runPairs(input, await readCfpPairs(onlyList(input, 'the folder Protocol'), input.corpus, 'FP'));
    case 'ijb':
      return runTemplates(input);
    case 'kdef':
    case 'kdef-published':
      return runKdef(input);
  }
}

async function runPairs(input: ProtocolInput, list: PairList): Promise<ProtocolFindings> {
  const paths = [...new Set(list.pairs.flatMap(({ first, second }) => [first, second]))];
  const embeddings = new Map<string, Float32Array>();
  const counts = newCounts();
  const digests: string[] = [];
  const photographs = embedPhotographs(
    paths.map((path) => ({ path })),
    sourceOf(input),
  );
  for await (const { item, sha256, outcome } of photographs) {
    countOutcome(counts, outcome);
    if (sha256 !== undefined) digests.push(sha256);
    if (outcome.status === 'ok') embeddings.set(item.path, outcome.face.embedding);
  }
  // Only LFW's paths tell who is in a photograph.
  const people = input.protocol === 'lfw' ? new Set(paths.map((path) => path.split('/')[0]!)) : [];
  const defects = [...input.findLeaks(digests, [...people])];
  const problem = listProblem(list, embeddings);
  const measured = await measurePairs(problem, makersOf(input), input.signal);
  return {
    ...measured,
    counts: pairCounts(counts, list.pairs.length, problem.same.length),
    intervals: `95 %, jackknife over ${withPairs(problem.folds, list.folds, 'folds of the list')}; differences are paired by fold`,
    defects,
    notes: [NEVER_RUN, ...unansweredNote(list.pairs.length, problem.same.length)],
  };
}

async function runTemplates(input: ProtocolInput): Promise<ProtocolFindings> {
  const [faces, pairs] = input.lists;
  if (faces === undefined || pairs === undefined || input.lists.length !== 2) {
    throw badLists(input, 'two lists: face_tid_mid.txt and template_pair_label.txt');
  }
  const pool = openTemplatePool();
  const known = new Set<number>();
  const counts = newCounts();
  const digests: string[] = [];
  for await (const { item, sha256, outcome } of embedPhotographs(readTemplateFaces(faces), sourceOf(input))) {
    countOutcome(counts, outcome);
    known.add(item.template);
    if (sha256 !== undefined && input.models.length > 0) digests.push(sha256);
    if (outcome.status === 'ok') pool.add(item.template, item.media, outcome.face.embedding);
  }
  const defects = [...input.findLeaks(digests, [])];
  const { problem, asked } = await templateProblem(pool.pooled(), readTemplatePairs(pairs, known));
  const measured = await measurePairs(problem, makersOf(input), input.signal);
  return {
    ...measured,
    counts: pairCounts(counts, asked, problem.same.length),
    intervals: `95 %, jackknife over ${withPairs(problem.folds, FOLDS, 'groups of enrolled templates')}; differences are paired by group`,
    defects,
    notes: [NEVER_RUN, ...unansweredNote(asked, problem.same.length)],
  };
}

/** An interval over fewer folds than the list has is wider, and the reader is to know why. */
function withPairs(used: number, all: number, what: string): string {
  return used === all ? `the ${all} ${what}` : `the ${used} of ${all} ${what} that have a compared pair`;
}

function sourceOf({ corpus, pool, signal, progress }: ProtocolInput) {
  return { root: corpus, pool, signal, progress };
}

/** Every model, and noise as long as the variants of the first. */
function makersOf({ models, variants, seed }: ProtocolInput): VariantMaker[] {
  const makers = models.map(({ id, model: { card, bank }, combiner }) =>
    fraMaker(
      { id, trainedOn: `${card.training.subjects} people: ${card.training.data}`, bank, combiner },
      variants,
    ),
  );
  const [first] = makers;
  return first === undefined ? [] : [...makers, jitterMaker(first, seed)];
}

function pairCounts(counts: EmbedCounts, asked: number, answered: number): ProtocolFindings['counts'] {
  if (answered === 0) {
    throw new ConfigError('no-usable-pairs', 'protocol: expected pairs whose faces were found, found none', {
      pairs: asked,
      photographs: counts.photographs,
      ...counts.rejected,
    });
  }
  return { ...counts, asked, answered };
}

function unansweredNote(asked: number, answered: number): string[] {
  if (asked === answered) return [];
  return [
    `${asked - answered} of ${asked} pairs were left out because a face was not found. Published numbers count every pair: compare with care.`,
  ];
}

function onlyList(input: ProtocolInput, what: string): string {
  const [list] = input.lists;
  if (list === undefined || input.lists.length !== 1) throw badLists(input, what);
  return list;
}

function badLists({ protocol, lists }: ProtocolInput, expected: string): ConfigError {
  return new ConfigError('bad-protocol', `protocol ${protocol}: --pairs-file must name ${expected}`, {
    found: lists.length === 0 ? 'nothing' : lists.map((list) => join(list)).join(' '),
  });
}
