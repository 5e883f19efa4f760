/**
 * What a person sees while a run works: one line that rewrites itself on a terminal, a plain line now and then
 * in a log, one JSON object a line for machines.
 */

import { count } from '../../shared/text/counted.ts';
import { LOG_LEVELS, type LogFields, type LogLevel, type Say } from '../../shared/text/logFields.ts';
import { printable } from '../../shared/text/printable.ts';
import { duration } from './format.ts';
import type { JsonLog } from './jsonLog.ts';
import { openLastLine } from './lastLine.ts';

/** How far a run is. */
export interface RunProgress {
  readonly shardsDone: number;
  readonly shardsTotal: number;
  /** Faces finished, rejected ones included. */
  readonly faces: number;
  readonly facesTotal: number;
  readonly rejects: number;
  readonly variants: number;
  /** No new shard is taken, because somebody asked for it. */
  readonly paused?: boolean;
}

export type LiveMode = 'terminal' | 'plain' | JsonMode;

export interface JsonMode {
  readonly json: JsonLog;
  /** `always`: at every look, for a program that follows. `sometimes`: as often as in a plain log. */
  readonly progress: 'always' | 'sometimes';
}

/** How much of a corpus is listed, before a run can begin; without `subjects`: found, and not listed yet. */
export interface ListingProgress {
  readonly faces: number;
  readonly subjects?: number;
}

export interface LiveLine {
  update(progress: RunProgress): void;
  /** Shown from time to time, so it may be called for every few faces; `done`: nothing more is to be seen of it. */
  listing(listed: ListingProgress | 'done'): void;
  /** Prints a message without tearing the live line. */
  readonly note: Say;
  /** Fields of every JSON line from now on. */
  about(fields: LogFields): void;
  /** Leaves the last state on the screen; a second call does nothing. */
  finish(): void;
}

export interface LiveLineOptions {
  readonly mode: LiveMode;
  /** Less important messages are left out; `info` by default. JSON has its own level. */
  readonly level?: LogLevel;
  /** Shown at the end of the line: where the models run. */
  readonly device: string;
  readonly out?: NodeJS.WriteStream;
  /** Milliseconds; an argument so that tests own the time. */
  readonly clock?: () => number;
}

const PLAIN_EVERY_MS = 10_000;
/** How often a listing is shown on a terminal, and to a program that follows. */
const LISTING_EVERY_MS = { terminal: 200, always: 1_000 };
/** Rates are taken over the last this many milliseconds. */
const RATE_WINDOW_MS = 30_000;

/** Whether a message of this importance is shown at a level. */
export function isShown({ level = 'info' }: LogFields, at: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(at);
}

export function openLiveLine(options: LiveLineOptions): LiveLine {
  const out = options.out ?? process.stderr;
  const clock = options.clock ?? (() => performance.now());
  const { mode, level = 'info' } = options;
  let about: LogFields = {};
  const samples: { at: number; progress: RunProgress }[] = [];
  let shownAt = -Infinity;
  const lastLine = openLastLine(out);
  /** In a plain log. */
  let lastWritten = '';
  let listing: { readonly phase: string; readonly startedAt: number; shownAt: number } | undefined;

  function showListing({ faces, subjects }: ListingProgress): void {
    if (!isShown({}, level)) return;
    const at = clock();
    const phase = subjects === undefined ? 'found' : 'listed';
    if (listing?.phase !== phase) listing = { phase, startedAt: at, shownAt: at };
    if (at - listing.shownAt < listingEveryMs(mode)) return;
    listing.shownAt = at;
    const facesPerSecond = (1_000 * faces) / (at - listing.startedAt);
    if (typeof mode === 'object') {
      mode.json('listing', undefined, { ...about, faces, subjects, facesPerSecond });
      return;
    }
    const what = subjects === undefined ? ' found' : ` of ${count(subjects)} people`;
    const line = `listing the corpus · ${count(faces)} faces${what} (${count(facesPerSecond)}/s)`;
    if (mode === 'terminal') lastLine.rewrite(line);
    else out.write(`${line}\n`);
  }

  function show(progress: RunProgress, at: number, force: boolean): void {
    if (!isShown({}, level)) return;
    const rates = progressRates(samples);
    const isDue = force || at - shownAt >= PLAIN_EVERY_MS;
    switch (mode) {
      case 'terminal':
        lastLine.rewrite(formatProgress(progress, rates, options.device));
        return;
      case 'plain': {
        const line = formatProgress(progress, rates, options.device);
        if (line === lastWritten || !isDue) return;
        out.write(`${line}\n`);
        lastWritten = line;
        break;
      }
      default:
        if (mode.progress === 'sometimes' && !isDue) return;
        mode.json('progress', undefined, { ...about, ...progress, ...rates });
    }
    shownAt = at;
  }

  return {
    update(progress) {
      const at = clock();
      samples.push({ at, progress });
      while (samples.length > 2 && at - samples[0]!.at > RATE_WINDOW_MS) samples.shift();
      show(progress, at, false);
    },
    listing(listed) {
      if (listed !== 'done') return showListing(listed);
      lastLine.clear();
      listing = undefined;
    },
    note(text, fields = {}) {
      if (typeof mode === 'object') return mode.json('note', text, { ...about, ...fields });
      if (!isShown(fields, level)) return;
      // It may hold file names of the corpus and other people's messages.
      const message = printable(text);
      if (mode === 'terminal') lastLine.above(message);
      else out.write(`${message}\n`);
    },
    about(fields) {
      about = { ...about, ...fields };
    },
    finish() {
      const last = samples.at(-1);
      if (last !== undefined) show(last.progress, clock(), true);
      lastLine.leave();
      samples.length = 0;
    },
  };
}

function listingEveryMs(mode: LiveMode): number {
  if (mode === 'terminal') return LISTING_EVERY_MS.terminal;
  return typeof mode === 'object' && mode.progress === 'always' ? LISTING_EVERY_MS.always : PLAIN_EVERY_MS;
}

export interface ProgressRates {
  readonly facesPerSecond: number;
  readonly variantsPerSecond: number;
  /** Seconds to the end at the present rate; undefined while nothing is known. */
  readonly etaSeconds: number | undefined;
}

/** Rates between the oldest and the newest sample. */
function progressRates(samples: readonly { at: number; progress: RunProgress }[]): ProgressRates {
  const first = samples[0];
  const last = samples.at(-1);
  const seconds = first === undefined || last === undefined ? 0 : (last.at - first.at) / 1000;
  if (first === undefined || last === undefined || seconds <= 0) {
    return { facesPerSecond: 0, variantsPerSecond: 0, etaSeconds: undefined };
  }
  const facesPerSecond = (last.progress.faces - first.progress.faces) / seconds;
  const variantsPerSecond = (last.progress.variants - first.progress.variants) / seconds;
  const left = last.progress.facesTotal - last.progress.faces;
  return {
    facesPerSecond,
    variantsPerSecond,
    etaSeconds: left <= 0 ? 0 : facesPerSecond > 0 ? left / facesPerSecond : undefined,
  };
}

function formatProgress(progress: RunProgress, rates: ProgressRates, device: string): string {
  const share = progress.facesTotal === 0 ? 0 : progress.faces / progress.facesTotal;
  // A narrow terminal cuts the end off.
  return [
    `${Math.floor(100 * share)
      .toString()
      .padStart(3)} %`,
    timeLeft(progress, rates),
    `faces ${count(progress.faces)}/${count(progress.facesTotal)} (${rates.facesPerSecond.toFixed(1)}/s)`,
    `rejects ${count(progress.rejects)}`,
    `shards ${progress.shardsDone}/${progress.shardsTotal}`,
    `variants ${count(progress.variants)} (${rates.variantsPerSecond.toFixed(0)}/s)`,
    device,
  ].join(' · ');
}

function timeLeft({ paused }: RunProgress, { etaSeconds }: ProgressRates): string {
  if (paused === true) return 'PAUSED';
  return etaSeconds === undefined ? 'ETA –' : `ETA ${duration(etaSeconds)}`;
}
