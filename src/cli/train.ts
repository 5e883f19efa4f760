/** `posecast train`: a corpus becomes a FRA model folder. */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { Command } from 'commander';
import { openBackend } from '../fra/backend.ts';
import { ConfigError } from '../shared/errors.ts';
import type { FaceRecord } from '../shared/face.ts';
import { trainFra } from '../training/trainFra.ts';
import { resolvePipelineModels } from '../worker/models/pipelineModels.ts';
import { openListedCorpus } from './listedCorpus.ts';
import { refuseTooManyThreads } from './options/computeOptions.ts';
import { addCorpusOptions, type CorpusFlags, corpusFromOptions } from './options/corpusOptions.ts';
import { CORPUS_KINDS } from './options/corpusPlace.ts';
import { refuseForeignOptions } from './options/refuseForeignOptions.ts';
import {
  addOnlyCorpusStoreOptions,
  corpusS3Options,
  type OnlyCorpusStoreFlags,
} from './options/storeOptions.ts';
import { addTrainOptions, type TrainFlags, trainConfigOf } from './options/trainOptions.ts';
import { refuseUselessStores } from './options/uselessStores.ts';
import { entriesOfOut } from './outFolder.ts';
import { shownCommandLine } from './output/commandLine.ts';
import { stoppable } from './stoppable.ts';
import { openTrainReporter } from './trainReporter.ts';

const EPILOGUE = `
Examples:
  posecast train photographs --recognizer fr-feature --out models/fra/mine --exclude-subjects test-people.txt
  posecast train 's3://faces/train-{000..123}.tar' --subject-from cls --out mine --corpus-s3-profile archive

CORPUS is whatever \`posecast run\` takes (docs/corpus-formats.md). Every near-frontal photograph is also rendered at
other poses (not with --renders off, for people who really turn); photographs and renders pass the face pipeline; then an
autoencoder and a generator learn from all but the validation people:
  samples       landmarks, poses and embeddings (kept in OUT/work)
  autoencoder   landmark image → posture code → landmark image   (watch iou)
  combiner      identity + posture code → embedding              (watch the validation score and "unchanged")
--autoencoder OUT of a first training gives its autoencoder and samples to the next:
  posecast train photographs --out ridge --generator ridge
  posecast train photographs --out late --generator vit-late --autoencoder ridge
  posecast train photographs --out mixed --generator mixture --parts ridge,late
OUT gets card.json, three ONNX files, posture-bank.arrow, training-log.jsonl and pictures/. An interrupted
training continues with --resume, exactly. OUT/work is not part of the model.
`;

export function trainCommand(): Command {
  const command = new Command('train')
    .description(
      'Trains a FRA model (autoencoder and generator) for a recogniser from a corpus of photographs.',
    )
    .argument('<CORPUS>', CORPUS_KINDS);
  return addTrainOptions(addOnlyCorpusStoreOptions(addCorpusOptions(command)))
    .option('--resume', 'continue the training that OUT holds')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', EPILOGUE)
    .action(train);
}

/** In OUT, as soon as there is something to continue. */
const WORK = 'work';

type Flags = TrainFlags & CorpusFlags & OnlyCorpusStoreFlags;

async function train(corpus: string, flags: Flags, parsed: Command): Promise<void> {
  refuseForeignOptions(parsed, flags.generator);
  refuseTooManyThreads(flags.threads, 'cpu');
  const out = resolve(flags.out);
  refuseUselessStores(corpus, out, flags);
  const config = trainConfigOf(flags, out);
  await checkOut(out, flags.resume === true);
  const say = openTrainReporter(flags.json === true);
  const stopping = {
    stopped: () => describeStopped(out, flags.out),
    onStop: (name: string) => process.stderr.write(`\n${name}: stopping after this step\n`),
    onError: say.clear,
  };
  await stoppable(stopping, async (signal, releasers) => {
    const asked = await corpusFromOptions(corpus, flags);
    const { faces: listed, photographs } = await openListedCorpus(asked, {
      out,
      s3: corpusS3Options(flags),
      signal,
      note: say.note,
      releasers,
    });
    const faces = await withoutPeople(listed, flags.excludeSubjects, say.note);
    const backend = await openBackend(flags.device, flags.threads);
    const models = await resolvePipelineModels(flags, (line) => {
      process.stderr.write(`${line}\n`);
    });
    const people = new Set(faces.map(({ subjectId }) => subjectId)).size;
    say.note(`${people} people, ${faces.length} photographs; training on ${backend.description}`);
    const card = await trainFra(
      config,
      {
        out,
        faces,
        photographs,
        models,
        backend,
        data: {
          data: flags.dataName ?? basename(asked.corpus),
          licence: flags.dataLicence,
          credit: flags.dataCredit,
        },
        limits: flags.limit,
        // --resume changes nothing in the result.
        command: shownCommandLine(process.argv.slice(2), { switches: ['--resume'] }),
        clock: Date.now,
      },
      { ...say, signal },
    );
    say.finish(card, flags.out);
  });
}

/** Nothing is overwritten: OUT must be new, or hold a training that --resume continues. */
async function checkOut(out: string, resume: boolean): Promise<void> {
  const entries = await entriesOfOut(out);
  const holdsTraining = entries.includes(WORK);
  if (entries.length > 0 && !(resume && holdsTraining)) {
    throw new ConfigError(
      'out-not-empty',
      holdsTraining
        ? '--out holds a training: add --resume to continue it'
        : '--out: expected an empty folder',
      { path: out },
    );
  }
  if (resume && !holdsTraining) {
    throw new ConfigError('nothing-to-resume', '--resume: expected a training in OUT, found none', {
      path: out,
    });
  }
}

/** @param asked OUT as it was typed. */
function describeStopped(out: string, asked: string): string {
  const goOn = existsSync(join(out, WORK))
    ? 'continue with --resume'
    : 'nothing was kept yet, so that the same command begins anew';
  return `training stopped; ${goOn} [out=${asked}]`;
}

/**
 * @throws ConfigError when nobody is left, or nobody of the corpus was meant: a misspelt name would train on the test
 * people.
 */
async function withoutPeople(
  faces: readonly FaceRecord[],
  exclude: string | undefined,
  note: (line: string) => void,
): Promise<readonly FaceRecord[]> {
  if (exclude === undefined) return faces;
  const { names, typed } = await readSubjects(exclude);
  if (names.size === 0) {
    throw new ConfigError('no-people', '--exclude-subjects: expected people, found nobody named', {
      exclude,
    });
  }
  const people = new Set(faces.map(({ subjectId }) => subjectId));
  const unknown = [...names].filter((name) => !people.has(name));
  if (unknown.length === names.size || (typed && unknown.length > 0)) {
    throw new ConfigError(
      'unknown-people',
      '--exclude-subjects: expected people of the corpus, a file that names them or a folder per person, found others',
      { found: shown(unknown), corpus: shown([...people]) },
    );
  }
  const absent = unknown.length > 0 ? `; not in the corpus: ${shown(unknown)}` : '';
  note(`--exclude-subjects: ${names.size - unknown.length} people left out${absent}`);
  const kept = faces.filter(({ subjectId }) => !names.has(subjectId));
  if (kept.length > 0) return kept;
  throw new ConfigError('empty-corpus', '--exclude-subjects: expected to leave somebody, found nobody left', {
    exclude,
  });
}

function shown(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `${names.slice(0, SHOWN).join(', ')}${more}`;
}

/** People that a message names. */
const SHOWN = 5;

/** Names from a comma list (`typed`), from a file (one a line), or of the sub-folders of a folder. */
async function readSubjects(who: string): Promise<{ names: ReadonlySet<string>; typed: boolean }> {
  if (!existsSync(who)) return { names: named(who.split(',')), typed: true };
  if ((await stat(who)).isDirectory()) {
    const entries = await readdir(who, { withFileTypes: true });
    return {
      names: new Set(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)),
      typed: false,
    };
  }
  return { names: named((await readFile(who, 'utf8')).split('\n')), typed: false };
}

function named(words: readonly string[]): Set<string> {
  return new Set(words.map((word) => word.trim()).filter((word) => word !== ''));
}
