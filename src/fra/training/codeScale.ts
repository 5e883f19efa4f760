/** Brings posture codes to the size of identity embeddings without changing what the autoencoder draws. */
import type { AutoencoderConfig } from '../networks/autoencoder.ts';
import type { NamedWeights } from '../networks/weights.ts';

/**
 * Multiplies every posture code by `factor` > 0: the encoder's last convolution is scaled and the decoder's first one
 * scaled back (ReLU and max-pooling let a positive factor through). The combiner normalises code and identity
 * together, so a code much larger than a unit vector would drown the identity.
 */
export function scaleCodes(weights: NamedWeights, config: AutoencoderConfig, factor: number): NamedWeights {
  const last = `encoder.${config.channels.length - 1}`;
  const factors: Readonly<Record<string, number>> = {
    [`${last}.weight`]: factor,
    [`${last}.bias`]: factor,
    'decoder.0.weight': 1 / factor,
  };
  return new Map(
    Array.from(weights, ([name, { shape, values }]) => {
      const own = factors[name] ?? 1;
      return [name, { shape, values: values.map((value) => value * own) }];
    }),
  );
}
