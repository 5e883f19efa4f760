/**
 * What a card may say about a generator: one schema a kind, told apart by `kind`. Loads no tensor library, so that a
 * worker can read cards.
 */
import { z } from 'zod';

/**
 * - `vit-published`: the paper's Vision Transformer: no identity residual, the answer's length is free.
 * - `vit`: with identity residual, answer of unit length, last layer started at zero.
 * - `vit-prefix`: the same; identity tokens never attend to the posture, so that their part is computed once a person.
 * - `vit-late`: the same; identity and posture meet in the last layer only.
 */
export const VIT_KINDS = ['vit', 'vit-published', 'vit-prefix', 'vit-late'] as const;
export type VitKind = (typeof VIT_KINDS)[number];

const vitSchema = z.strictObject({
  kind: z.enum(VIT_KINDS),
  identityDim: z.int().min(1),
  embedDim: z.int().min(1),
  depth: z.int().min(1),
  numHeads: z.int().min(1),
  mlpDim: z.int().min(1),
  /** The answer is the identity plus the network's output, whose last layer starts at zero. */
  identityResidual: z.boolean(),
  /** The network also scales that identity. Models from before it existed have none. */
  identityGate: z.boolean().default(false),
  /** The answer has unit length. */
  normalizeOutput: z.boolean(),
});
export type VitConfig = z.infer<typeof vitSchema>;

/** Functions of the pose (`generators/poseBasis.ts`). */
const poseBasisSchema = z.strictObject({
  /** Degrees of yaw, ascending. One knot: yaw is not used. */
  knots: z
    .array(z.number().min(-90).max(90))
    .min(1)
    .refine((knots) => knots.every((knot, i) => i === 0 || knot > knots[i - 1]!), 'expected ascending knots'),
  pitch: z.boolean(),
});
export type PoseBasis = z.infer<typeof poseBasisSchema>;

const meanOffsetSchema = z.strictObject({
  kind: z.literal('mean-offset'),
  identityDim: z.int().min(1),
  basis: poseBasisSchema,
});

const ridgeSchema = z.strictObject({
  kind: z.literal('ridge'),
  identityDim: z.int().min(1),
  basis: poseBasisSchema,
  /** Directions that changes depending on the identity can take; identityDim: all. */
  rank: z.int().min(1),
  /**
   * For the record: the ridge penalty, in units of the mean squared length of identities a dimension, and what it draws
   * towards: 0 "no change" … 1 "everything of the identity scaled by the factor that fits best".
   */
  lambda: z.number().min(0),
  scaling: z.number().min(0),
});

const residualMlpSchema = z.strictObject({
  kind: z.literal('residual-mlp'),
  identityDim: z.int().min(1),
  hidden: z.int().min(1),
  /** What the hidden layer sees of the posture: the pose basis of the pose read off it, or the posture code. */
  condition: z.enum(['readout', 'code']),
  basis: poseBasisSchema,
});
export type ResidualMlpConfig = z.infer<typeof residualMlpSchema>;

export type LinearMapConfig = z.infer<typeof meanOffsetSchema> | z.infer<typeof ridgeSchema>;

/** A mixture of mixtures is a mixture of their parts: parts are plain. */
const mixtureSchema = z.strictObject({
  kind: z.literal('mixture'),
  identityDim: z.int().min(1),
  parts: z
    .array(
      z.strictObject({
        share: z.number().min(0).max(1),
        generator: z.discriminatedUnion('kind', [
          vitSchema,
          meanOffsetSchema,
          ridgeSchema,
          residualMlpSchema,
        ]),
      }),
    )
    .min(1),
});

/** `architecture.combiner` of a card. */
export const generatorConfigSchema = z.discriminatedUnion('kind', [
  vitSchema,
  meanOffsetSchema,
  ridgeSchema,
  residualMlpSchema,
  mixtureSchema,
]);
export type GeneratorConfig = z.infer<typeof generatorConfigSchema>;
export type PlainGeneratorConfig = Exclude<GeneratorConfig, { kind: 'mixture' }>;

export const GENERATOR_KINDS = [...VIT_KINDS, 'mean-offset', 'ridge', 'residual-mlp', 'mixture'] as const;
export type GeneratorKind = (typeof GENERATOR_KINDS)[number] & GeneratorConfig['kind'];
