/** `posecast evaluate CORPUS --protocol …`: a published protocol on the user's own copy of its set. */
import { join, resolve } from 'node:path';
import { generatorId } from '../evaluate/generators/generatorId.ts';
import { findLeaks, refuseLeaks, trainingRecord } from '../evaluate/leakage.ts';
import type { ProtocolModel } from '../evaluate/protocols/protocolInput.ts';
import type { ProtocolName, ProtocolResult } from '../evaluate/protocols/protocolResult.ts';
import { runProtocol } from '../evaluate/protocols/runProtocol.ts';
import { renderProtocolReport } from '../evaluate/report/protocolReport.ts';
import type { EvaluationHooks } from '../evaluate/settings.ts';
import { openBackend } from '../fra/backend.ts';
import { type FraModel, openAskedFraModel } from '../fra/fraModel.ts';
import { createReleasers } from '../shared/async/releasers.ts';
import { DEFAULT_RECOGNIZER } from '../shared/config.ts';
import { ConfigError } from '../shared/errors.ts';
import { checkFolder } from '../shared/store/checkFolder.ts';
import { openCombiner } from '../worker/models/combiner.ts';
import { resolvePipelineModels } from '../worker/models/pipelineModels.ts';
import { openModelPool } from '../worker/threads/modelPool.ts';

/** Options of `posecast evaluate` that a protocol uses. */
export interface ProtocolFlags {
  readonly protocol: ProtocolName;
  readonly pairsFile: readonly string[];
  readonly kdefSamples: number;
  readonly out: string;
  readonly fra: readonly string[];
  readonly recognizer: readonly string[];
  readonly variants: number;
  readonly seed: number;
  readonly detector: string;
  readonly threads: number;
  readonly allowLeakage?: true;
  readonly subjectPrefix: string;
}

/** The files of a result, written whole or not at all; `text` has one line a row for a terminal. */
export interface ProtocolOutput {
  readonly result: ProtocolResult;
  readonly files: Readonly<Record<string, string>>;
  readonly text: string;
}

/** @throws ConfigError for a list or a folder that is not of the protocol's form, and on leakage. */
export async function evaluateProtocol(
  corpus: string,
  flags: ProtocolFlags,
  command: string,
  hooks: EvaluationHooks,
): Promise<ProtocolOutput> {
  const opened = await Promise.all(flags.fra.map(openAskedFraModel));
  const names = new Set([...flags.recognizer, ...opened.map(({ card }) => card.recognizer.name)]);
  const [recognizer = DEFAULT_RECOGNIZER, second] = names;
  if (second !== undefined) {
    throw new ConfigError('other-recognizer', '--protocol: expected one recogniser at a time', {
      found: [...names].join(' '),
    });
  }
  // No protocol asks where a face looks.
  const leftOut = { landmarks: false, pose: true };
  const pipeline = await resolvePipelineModels({ detector: flags.detector, recognizer }, hooks.note, leftOut);
  requireSameRecognizer(opened, pipeline.recognizer.sourceDigest);
  // Made at the end: a list that is refused leaves nothing behind.
  await checkFolder(resolve(flags.out), 'write');
  await openBackend('cpu', flags.threads);
  const releasers = createReleasers();
  try {
    const session = { device: 'cpu', intraOpThreads: 1 } as const;
    const init = { pipeline: { models: pipeline.models, aligned: false, ...session } };
    const pool = await openModelPool(flags.threads, init, hooks.signal);
    releasers.push('models', () => pool.close());
    const models: ProtocolModel[] = [];
    const taken = new Set(OTHER_ROWS);
    for (const model of opened) {
      const combiner = await openCombiner(model.paths.combiner, session);
      releasers.push('combiner', () => combiner.close());
      const id = generatorId(model.card.name, taken, protocolRowIds);
      for (const row of protocolRowIds(id)) taken.add(row);
      models.push({ id, model, combiner });
    }
    hooks.stage(flags.protocol);
    const result = await runProtocol({
      protocol: flags.protocol,
      corpus: resolve(corpus),
      lists: flags.pairsFile.map((list) => resolve(list)),
      recognizer,
      detector: flags.detector,
      pool,
      models,
      variants: flags.variants,
      samples: flags.kdefSamples,
      seed: flags.seed,
      command,
      clock: Date.now,
      signal: hooks.signal,
      progress: (done) => hooks.progress(done, undefined, 'photographs'),
      findLeaks: (photographs, subjects) => leaksOf(opened, flags, photographs, subjects),
    });
    return {
      result,
      files: {
        'evaluation.json': `${JSON.stringify(result, null, 2)}\n`,
        'report.html': renderProtocolReport(result),
      },
      text: formatProtocol(result, join(flags.out, 'report.html')),
    };
  } finally {
    await releasers.release();
  }
}

function requireSameRecognizer(models: readonly FraModel[], sha256: string): void {
  for (const { card, folder } of models) {
    if (card.recognizer.sha256 === sha256) continue;
    throw new ConfigError('other-recognizer', '--fra: expected a model of the recogniser that is evaluated', {
      fra: folder,
      trainedFor: `${card.recognizer.name} ${card.recognizer.sha256}`,
      evaluated: sha256,
    });
  }
}

/** A model may have noise of its own beside it. */
const protocolRowIds = (id: string) => [id, `jitter-${id}`];

/** Ids of rows that a protocol has without any model. */
const OTHER_ROWS = ['none', ...protocolRowIds('ridge')];

/** Lists do not all say who is in a photograph: what is not known by name is compared by its bytes. */
function leaksOf(
  models: readonly FraModel[],
  { allowLeakage, subjectPrefix }: ProtocolFlags,
  photographs: readonly string[],
  subjects: readonly string[],
): string[] {
  const role = 'evaluated' as const;
  const leakage = findLeaks(
    models.map(({ card }) => trainingRecord(card)),
    [
      ...subjects.map((subjectId) => ({ subjectId, role, photographs: [], crops: [] })),
      { subjectId: 'photographs of the list', role, photographs: [...photographs], crops: [] },
    ],
    subjectPrefix,
  );
  if (allowLeakage !== true) refuseLeaks(leakage);
  return leakage.findings.map(
    ({ model, subjectId, foundBy }) => `${subjectId}: in the training of ${model}, by ${foundBy.join(', ')}`,
  );
}

/** Rows by measures. */
function formatProtocol({ measures, rows, notes, defects }: ProtocolResult, report: string): string {
  const width = Math.max(...rows.map(({ label }) => label.length));
  const cells = rows.map(({ label, values }) => {
    const shown = measures.map(({ name }) => {
      const value = values[name];
      if (value === undefined) return '–';
      const { difference } = value;
      const share = value.value.toFixed(4);
      if (difference === undefined) return share;
      const half = (difference.high - difference.low) / 2;
      return `${share} ${difference.value < 0 ? '−' : '+'}${Math.abs(difference.value).toFixed(4)} ±${half.toFixed(4)}`;
    });
    return `  ${label.padEnd(width)}${shown.map((cell) => cell.padStart(26)).join('')}`;
  });
  return [
    ...defects.map((defect) => `! ${defect}`),
    `  ${''.padEnd(width)}${measures.map(({ name }) => name.padStart(26)).join('')}`,
    ...cells,
    ...notes.map((note) => `  ${note}`),
    `report: ${report}`,
  ].join('\n');
}
