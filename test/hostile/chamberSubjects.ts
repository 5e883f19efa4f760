/** What is tried in a process of its own: readers that are native, or that damage could keep busy for ever. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodePostureBank, encodePostureBank } from '../../src/fra/postureBank.ts';
import { flushTinyWeights, freeBatch } from '../../src/models/normalize.ts';
import { decodeModel, encodeModel } from '../../src/models/onnx.ts';
import { prepareModel } from '../../src/models/prepare.ts';
import type { ModelFile, Preprocess } from '../../src/models/registryEntry.ts';
import { graphSignature } from '../../src/models/signature.ts';
import { CROP_SIZE, POSTURE_DIM } from '../../src/shared/face.ts';
import { packageRoot } from '../../src/shared/package.ts';
import { openSession, outputOf } from '../../src/worker/models/session.ts';
import { decodeImage } from '../../src/worker/stages/decode.ts';
import { randomBank } from '../helpers/untrainedFraModel.ts';
import { corpusTableCase, recordIoCase } from './corpusFileCases.ts';
import { imageCases } from './imageCases.ts';
import { mutateBytes } from './mutate.ts';
import { readOrRefuse } from './outcome.ts';
import { parseListingFiles, parseTableFile, sampleTables } from './tableCases.ts';
import { tarCases } from './tarCases.ts';
import { tinyRecognizer } from './tinyModels.ts';

/** Prepares once, then tries the case of a seed: what came of it in a word; throws when the product failed. */
type OpenSubject = () => Promise<(seed: number) => Promise<string>>;

const word = (value: unknown): string => (value === undefined ? 'refused' : 'taken');

export const SUBJECTS: Readonly<Record<string, OpenSubject>> = {
  'posture bank': async () => {
    const bank = encodePostureBank(randomBank(5, 1));
    return async (seed) => {
      const found = await readOrRefuse(() => decodePostureBank(mutateBytes(bank, seed), '/bank.arrow'));
      if (found === undefined) return 'refused';
      const lengths = [
        found.codes.length / POSTURE_DIM,
        found.yaw.length,
        found.pitch.length,
        found.roll.length,
      ];
      if (lengths.some((length) => length !== found.ids.length))
        throw new Error(`columns of ${lengths.join()}`);
      return 'taken';
    };
  },

  ONNX: async () => {
    const onnx = tinyRecognizer(8);
    return async (seed) => {
      const read = () => {
        const model = decodeModel(mutateBytes(onnx, seed));
        graphSignature(model);
        flushTinyWeights(model.graph);
        freeBatch(model);
        return encodeModel(model);
      };
      return word(await readOrRefuse(read));
    };
  },

  // ONNX Runtime opens and runs what came through the reader.
  'ONNX, run': async () => {
    const onnx = tinyRecognizer(8);
    const file: ModelFile = {
      source: 'file:/tiny.onnx',
      sha256: null,
      format: 'onnx',
      inputs: [{ shape: ['N', 3, 112, 112] }],
      outputs: [{ shape: ['N', 8] }],
    };
    const preprocess: Preprocess = {
      colour: 'rgb',
      mean: [127.5, 127.5, 127.5],
      std: [128, 128, 128],
      layout: 'NCHW',
    };
    return async (seed) =>
      word(await readOrRefuse(() => prepareModel(mutateBytes(onnx, seed), file, preprocess)));
  },

  // A network as `posecast train` writes it, opened from its path as workers do.
  'ONNX of a FRA model': async () => {
    const decoder = readFileSync(join(packageRoot, 'models', 'fra', 'fr-feature', 'decoder.onnx'));
    const folder = mkdtempSync(join(tmpdir(), 'posecast-hostile-'));
    process.on('exit', () => rmSync(folder, { recursive: true }));
    return async (seed) => {
      const path = join(folder, 'decoder.onnx');
      writeFileSync(path, mutateBytes(decoder, seed));
      const run = async () => {
        const session = await openSession(path, { device: 'cpu', intraOpThreads: 1 });
        try {
          const outputs = await session.run(new Float32Array(POSTURE_DIM), [1, POSTURE_DIM]);
          return outputOf(session, outputs, 'landmark_image', [1, CROP_SIZE, CROP_SIZE]);
        } finally {
          await session.close();
        }
      };
      return word(await readOrRefuse(run));
    };
  },

  table: async () => {
    const tables = await sampleTables();
    return async (seed) => {
      const original = tables[seed % tables.length]!;
      const found = await readOrRefuse(() => parseTableFile(mutateBytes(original, seed)));
      // A reader that one file has broken would refuse or mangle the next.
      if (parseTableFile(original) === 0) throw new Error('a sound file is not read any more');
      return word(found);
    };
  },

  listing: async () => {
    const { listing, plan } = await parseListingFiles();
    return async (seed) => word(await readOrRefuse(() => (seed % 2 === 0 ? listing(seed) : plan(seed))));
  },

  'RecordIO archive': async () => {
    const read = recordIoCase();
    return async (seed) => word(await readOrRefuse(() => read(seed)));
  },

  'table of a corpus': async () => {
    const read = corpusTableCase();
    return async (seed) => word(await readOrRefuse(() => read(seed)));
  },

  image: imageCases,

  tar: tarCases,

  // The file of that number in a folder, as it is.
  bomb: async () => async (seed) => {
    const found = await decodeImage(readFileSync(join(process.env.POSECAST_BOMBS ?? '', String(seed))));
    return 'code' in found ? found.code : 'ok';
  },
};
