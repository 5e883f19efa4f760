/**
 * The first thing a reader sees: does it help, by how much, where, where not. A pure function of the result, so that
 * no report can say more than its numbers.
 */

import { counted } from '../../shared/text/counted.ts';
import type { EvaluationResult, EvaluationRow, Interval, RecognizerResult, Verdict } from '../result.ts';
import { rivalName } from '../rivalName.ts';
import { degreeRange, listed, percent, pointsWithInterval } from './format.ts';

/**
 * helps: everywhere or overall. helps-beyond: only beyond some angle. unclear: cannot be told apart with this much
 * data. hurts: worse than nothing. invalid: people of the evaluation were in training, or labels were shuffled.
 */
export type VerdictTone = 'helps' | 'helps-beyond' | 'unclear' | 'hurts' | 'invalid';

export interface VerdictText {
  readonly tone: VerdictTone;
  /** One sentence. */
  readonly headline: string;
  /** What qualifies it, a sentence each, the weightiest first. */
  readonly sentences: readonly string[];
  /** Shuffled postures do as well as true ones. */
  readonly postureNotUsed: boolean;
}

/** What a verdict needs of an evaluation. */
export type Judged = Pick<EvaluationResult, 'leakage' | 'protocol'>;

/** The verdict on one row of one recogniser. */
export function verdictOf(judged: Judged, recognizer: RecognizerResult, verdict: Verdict): VerdictText {
  const none = recognizer.rows.find((row) => row.kind === 'none');
  const row = rowOf(recognizer, verdict.rowId ?? verdict.bestRivalId);
  const ncm = row?.metrics.ncm;
  const gain = ncm?.difference;
  const base = none?.metrics.ncm;
  if (row === undefined || ncm === undefined || gain === undefined || base === undefined) {
    return {
      tone: 'unclear',
      headline: 'Nothing was judged: this evaluation holds no identification of a generator or a rival.',
      sentences: [],
      postureNotUsed: false,
    };
  }
  const sides = yawSides(row);
  const sentences = () => [
    ...yawSentences(verdict.helps, sides),
    ...rivalSentences(recognizer, verdict),
    ...postureSentences(verdict),
    ...powerSentences(recognizer),
  ];
  const amount = `${pointsWithInterval(gain)}, from ${percent(base.value)} to ${percent(ncm.value)}`;
  const postureNotUsed = verdict.postureUsed === 'no';
  const invalid = whyInvalid(judged, verdict.rowId);
  if (invalid !== undefined) {
    const measured = `For the record: ${row.label} against no augmentation, identification of turned faces, ${amount}.`;
    return { tone: 'invalid', headline: invalid, sentences: [measured], postureNotUsed };
  }
  const subject =
    verdict.rowId === null ? `No model was given. The best simple method, ${row.label},` : row.label;
  return { ...headlineOf(verdict.helps, subject, amount, sides), sentences: sentences(), postureNotUsed };
}

function headlineOf(
  helps: Verdict['helps'],
  subject: string,
  amount: string,
  sides: YawSides,
): Pick<VerdictText, 'tone' | 'headline'> {
  const beyond = onlyBeyond(sides);
  if (helps === 'no') {
    return {
      tone: 'hurts',
      headline: `${subject} hurts: identification of turned faces against no augmentation ${amount}.`,
    };
  }
  if (beyond !== undefined) {
    return {
      tone: 'helps-beyond',
      headline: `${subject} helps only beyond ${beyond}°: identification over all turned faces ${amount}.`,
    };
  }
  if (helps === 'yes') {
    return { tone: 'helps', headline: `${subject} helps: identification of turned faces ${amount}.` };
  }
  return {
    tone: 'unclear',
    headline: `${subject} cannot be told apart from no augmentation with this much data: identification of turned faces ${amount}.`,
  };
}

function whyInvalid({ leakage, protocol }: Judged, rowId: string | null): string | undefined {
  if (leakage.status === 'leaked' && rowId !== null) {
    const people = new Set(leakage.findings.map(({ corpus, subjectId }) => `${corpus}/${subjectId}`)).size;
    const were = people === 1 ? 'was' : 'were';
    return `Not valid: ${counted(people, 'person', 'people')} of this evaluation ${were} in the training of a model. Every gain is optimistic.`;
  }
  if (protocol.shuffledLabels) return 'A control: labels were shuffled on purpose, so nothing may help here.';
  return undefined;
}

type Bin = EvaluationRow['byYaw'][number];

interface YawSides {
  readonly all: readonly Bin[];
  readonly helps: readonly Bin[];
  readonly hurts: readonly Bin[];
  readonly unclear: readonly Bin[];
}

/** Bins by where the paired interval of their difference lies. */
function yawSides(row: EvaluationRow): YawSides {
  const bins = row.byYaw.filter((bin) => bin.ncm.difference !== undefined).sort((a, b) => a.from - b.from);
  const sideOf = (bin: Bin) => side(bin.ncm.difference!);
  return {
    all: bins,
    helps: bins.filter((bin) => sideOf(bin) > 0),
    hurts: bins.filter((bin) => sideOf(bin) < 0),
    unclear: bins.filter((bin) => sideOf(bin) === 0),
  };
}

/** 1: the interval lies above 0; −1: below; 0: across. */
export function side({ low, high }: Interval): -1 | 0 | 1 {
  if (low > 0) return 1;
  return high < 0 ? -1 : 0;
}

/** The angle from which every bin helps while none below does; undefined when it is otherwise. */
function onlyBeyond({ all, helps }: YawSides): number | undefined {
  const first = helps[0];
  if (first === undefined || helps.length === all.length) return undefined;
  return helps.length === all.filter(({ from }) => from >= first.from).length ? first.from : undefined;
}

function yawSentences(helps: Verdict['helps'], sides: YawSides): string[] {
  const named = (bins: readonly Bin[]) => listed(bins.map(degreeRange));
  const sentences: string[] = [];
  if (sides.helps.length > 0 && (helps !== 'yes' || sides.helps.length < sides.all.length)) {
    sentences.push(`It helps at ${named(sides.helps)}.`);
  }
  if (sides.hurts.length > 0) sentences.push(`It hurts at ${named(sides.hurts)}.`);
  if (sides.unclear.length > 0 && sides.unclear.length < sides.all.length) {
    sentences.push(`At ${named(sides.unclear)} no difference can be told.`);
  }
  return sentences;
}

function rivalSentences(recognizer: RecognizerResult, verdict: Verdict): string[] {
  const rival = rowOf(recognizer, verdict.bestRivalId);
  const against = verdict.againstBestRival;
  if (verdict.rowId === null || rival === undefined || against === null) return [];
  const name = rivalName(rival);
  switch (side(against)) {
    case 1:
      return [`It beats the best simple rival, ${name}, by ${pointsWithInterval(against)}.`];
    case -1:
      return [`A simple rival is better, ${name}: ${pointsWithInterval(against)} against it.`];
    case 0:
      return [`It cannot be told apart from the best simple rival, ${name}: ${pointsWithInterval(against)}.`];
  }
}

function postureSentences({ postureUsed, againstShuffled }: Verdict): string[] {
  const by =
    againstShuffled === null ? '' : ` (true against shuffled ${pointsWithInterval(againstShuffled)})`;
  switch (postureUsed) {
    case 'no':
      return [`Posture not used: shuffled postures do as well as true ones${by}.`];
    case 'unclear':
      return [`Whether posture is used cannot be told${by}.`];
    case 'yes':
      return [`Posture is used: shuffling it costs accuracy${by}.`];
    case null:
      return [];
  }
}

function powerSentences({ smallestDetectableGain: { ncm } }: RecognizerResult): string[] {
  if (ncm === undefined) return [];
  return [`The smallest true gain that this much data would show is ${(100 * ncm).toFixed(1)} points.`];
}

function rowOf(recognizer: RecognizerResult, id: string | null): EvaluationRow | undefined {
  return id === null ? undefined : recognizer.rows.find((row) => row.id === id);
}
