/** Writes the folder of a FRA model. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { countPoses } from '../shared/poseBins.ts';
import { sha256Hex } from '../shared/sha256.ts';
import { exportDecoder, exportEncoder } from './export/exportAutoencoder.ts';
import { exportGenerator } from './generators/exportGenerator.ts';
import { parameterCount, totalMultiplyAdds } from './generators/generator.ts';
import { openGenerator } from './generators/generators.ts';
import { FRA_CARD_VERSION, type FraCard, parseFraCard } from './modelCard.ts';
import type { NamedWeights } from './networks/weights.ts';
import { encodePostureBank, type PostureBank } from './postureBank.ts';

/** Everything of a card that is not derived from the networks and files. */
export type FraCardInput = Omit<FraCard, 'cardVersion' | 'bank' | 'files' | 'architecture'> & {
  readonly architecture: Omit<FraCard['architecture'], 'cost'>;
};

export interface FraModelParts {
  readonly card: FraCardInput;
  readonly autoencoder: NamedWeights;
  readonly combiner: NamedWeights;
  readonly bank: PostureBank;
}

/** Writes networks, bank and, last, the card; returns the card as written. */
export async function writeFraModel(folder: string, parts: FraModelParts): Promise<FraCard> {
  const { architecture, name, recognizer } = parts.card;
  const generator = openGenerator(architecture.combiner);
  const [total, both] = [totalMultiplyAdds(generator), generator.multiplyAdds.both];
  const metadata = { fra: name, recognizer: recognizer.name, recognizer_sha256: recognizer.sha256 };
  const contents = {
    // The autoencoder knows nothing of recognisers: models that share it have the same two files.
    'encoder.onnx': exportEncoder(parts.autoencoder, architecture.autoencoder, {}),
    'decoder.onnx': exportDecoder(parts.autoencoder, architecture.autoencoder, {}),
    'combiner.onnx': exportGenerator(generator, parts.combiner, metadata),
    'posture-bank.arrow': encodePostureBank(parts.bank),
  };
  await mkdir(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(contents)) await writeFile(join(folder, file), bytes);
  const describe = (bytes: Uint8Array) => ({ sha256: sha256Hex(bytes), bytes: bytes.length });
  const poses = parts.bank.ids.map((_, i) => ({ yaw: parts.bank.yaw[i]!, pitch: parts.bank.pitch[i]! }));
  const cardPath = join(folder, 'card.json');
  const card = parseFraCard(
    {
      cardVersion: FRA_CARD_VERSION,
      ...parts.card,
      architecture: {
        ...architecture,
        cost: {
          parameters: parameterCount(generator),
          multiplyAdds: total,
          cachedMultiplyAdds: both === total ? null : both,
        },
      },
      bank: { postures: poses.length, bins: countPoses(poses).filter((count) => count > 0).length },
      files: {
        'encoder.onnx': describe(contents['encoder.onnx']),
        'decoder.onnx': describe(contents['decoder.onnx']),
        'combiner.onnx': describe(contents['combiner.onnx']),
        'posture-bank.arrow': describe(contents['posture-bank.arrow']),
      },
    } satisfies FraCard,
    cardPath,
  );
  await writeFile(cardPath, `${JSON.stringify(card, null, 2)}\n`);
  return card;
}
