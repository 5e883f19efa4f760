/** What `posecast evaluate --protocol` writes as JSON. Shares are 0–1. Unknown keys are refused. */
import { z } from 'zod';
import { describeIssues } from '../../shared/config.ts';
import { IntegrityError } from '../../shared/errors.ts';
import { intervalSchema, ROW_KINDS } from '../result.ts';

export const PROTOCOLS = [
  'lfw',
  'cfp-ff',
  'cfp-fp',
  'cplfw',
  'calfw',
  'ijb',
  'kdef',
  'kdef-published',
] as const;
export type ProtocolName = (typeof PROTOCOLS)[number];

const measureSchema = z.strictObject({
  name: z.string().min(1),
  better: z.enum(['higher', 'lower']),
  meaning: z.string(),
});

const valueSchema = intervalSchema.extend({
  /** The row minus the row `none`, by folds or people; absent in the row `none` itself. */
  difference: intervalSchema.optional(),
});

const protocolRowSchema = z.strictObject({
  id: z.string().min(1),
  label: z.string().min(1),
  kind: z.enum(ROW_KINDS),
  trainedOn: z.string(),
  /** By the name of the measure; absent where it has no value. */
  values: z.record(z.string(), valueSchema),
});
export type ProtocolRow = z.infer<typeof protocolRowSchema>;

const protocolResultSchema = z.strictObject({
  schemaVersion: z.literal(1),
  kind: z.literal('protocol'),
  posecastVersion: z.string(),
  /** As typed. */
  command: z.string(),
  /** ISO 8601. */
  finishedAt: z.string(),
  seconds: z.number().min(0),
  protocol: z.enum(PROTOCOLS),
  corpus: z.string().min(1),
  lists: z.array(z.string()),
  recognizer: z.string().min(1),
  detector: z.string().min(1),
  /** Variants of each enrolled photograph or template. */
  variants: z.int().min(0),
  seed: z.int().min(0),
  counts: z.strictObject({
    photographs: z.int().min(0),
    usable: z.int().min(0),
    /** Rejection code → photographs. */
    rejected: z.record(z.string(), z.int().min(1)),
    /** Pairs of the list, and those of them that could be compared; people asked about for KDEF. */
    asked: z.int().min(0),
    answered: z.int().min(0),
  }),
  /** How the intervals were made. */
  intervals: z.string(),
  measures: z.array(measureSchema).min(1),
  rows: z.array(protocolRowSchema).min(1),
  /** Why these numbers must not be believed as they are: what the protocol does wrong. Shown in red. */
  defects: z.array(z.string()),
  /** What a reader must know. */
  notes: z.array(z.string()),
});
export type ProtocolResult = z.infer<typeof protocolResultSchema>;

/** What a protocol finds out; the rest of the result is the same for all. */
export type ProtocolFindings = Pick<
  ProtocolResult,
  'counts' | 'intervals' | 'measures' | 'rows' | 'defects' | 'notes'
>;

/**
 * Parses the JSON, for programs that go on with it: posecast only writes it, and its tests read it back by this.
 *
 * @param path for the message.
 * @throws IntegrityError naming every problem.
 */
export function parseProtocolResult(content: unknown, path: string): ProtocolResult {
  const parsed = protocolResultSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new IntegrityError('bad-evaluation', `evaluation is not valid: ${describeIssues(parsed.error)}`, {
    file: path,
  });
}
