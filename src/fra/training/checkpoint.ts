/**
 * A checkpoint: everything a training needs to continue as if it had never stopped, in one file. Layout: magic,
 * header length (uint32, little-endian), header (JSON), then the float32 values of every tensor in header order.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { describeIssues } from '../../shared/config.ts';
import { IntegrityError } from '../../shared/errors.ts';
import { writeWhole } from '../../shared/files/writeWhole.ts';
import type { NamedWeights, WeightValues } from '../networks/weights.ts';

const MAGIC = 'POSECAST';

const loopStateSchema = z.strictObject({
  /** Steps done. */
  step: z.int().min(0),
  learningRate: z.number().positive(),
  /** Lowest validation score so far; null before the first validation. */
  bestScore: z.number().nullable(),
  bestStep: z.int().min(0),
  /** Validations since the best, and since the best or the last change of the learning rate. */
  sinceBest: z.int().min(0),
  sincePlateau: z.int().min(0),
  finished: z.boolean(),
});
export type LoopState = z.infer<typeof loopStateSchema>;

/** Groups of tensors, e.g. weights, first and second moments, best weights. */
export type TensorGroups = Readonly<Record<string, NamedWeights>>;

export interface Checkpoint {
  /** What is trained and how: a resume with another configuration is refused by the loop. */
  readonly config: unknown;
  readonly state: LoopState;
  readonly groups: TensorGroups;
}

const headerSchema = z.strictObject({
  config: z.unknown(),
  state: loopStateSchema,
  tensors: z.array(z.strictObject({ group: z.string(), name: z.string(), shape: z.array(z.int().min(0)) })),
});

/** An interruption leaves the former checkpoint whole. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const entries = Object.entries(checkpoint.groups).flatMap(([group, weights]) =>
    Array.from(weights, ([name, tensor]) => ({ group, name, tensor })),
  );
  const tensors = entries.map(({ group, name, tensor }) => ({ group, name, shape: tensor.shape }));
  const header = Buffer.from(JSON.stringify({ config: checkpoint.config, state: checkpoint.state, tensors }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const values = entries.map(({ tensor }) => Buffer.from(Float32Array.from(tensor.values).buffer));
  await writeWhole(path, Buffer.concat([Buffer.from(MAGIC), length, header, ...values]));
}

/** Reads a checkpoint; IntegrityError when it is not one, or not whole. */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readFile(path);
  const bad = (problem: string, cause?: unknown) =>
    new IntegrityError('bad-checkpoint', `file is not a whole checkpoint: ${problem}`, { path }, cause);
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) throw bad('wrong beginning');
  const headerStart = MAGIC.length + 4;
  if (bytes.length < headerStart) throw bad('no header');
  const headerEnd = headerStart + bytes.readUInt32LE(MAGIC.length);
  let json: unknown;
  try {
    json = JSON.parse(bytes.subarray(headerStart, headerEnd).toString());
  } catch (error) {
    throw bad('header is not JSON', error);
  }
  const header = headerSchema.safeParse(json);
  if (!header.success) throw bad(describeIssues(header.error));
  const groups: Record<string, Map<string, WeightValues>> = {};
  let at = headerEnd;
  for (const { group, name, shape } of header.data.tensors) {
    const size = 4 * shape.reduce((product, dim) => product * dim, 1);
    if (at + size > bytes.length) throw bad(`values end early, at ${name}`);
    // A copy: Float32Array needs an offset divisible by 4.
    const values = new Float32Array(Uint8Array.from(bytes.subarray(at, at + size)).buffer);
    groups[group] ??= new Map();
    groups[group].set(name, { shape, values });
    at += size;
  }
  if (at !== bytes.length) throw bad(`${bytes.length - at} bytes too many`);
  return { config: header.data.config, state: header.data.state, groups };
}
