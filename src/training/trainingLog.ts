/** training-log.jsonl of a model folder: one line a validation, of both networks, across interruptions. */
import { appendFile, readFile, truncate } from 'node:fs/promises';
import { z } from 'zod';
import type { LogEntry } from '../fra/training/loop.ts';
import { describeIssues } from '../shared/config.ts';
import { IntegrityError, PosecastError } from '../shared/errors.ts';

const numbers = z.record(z.string(), z.number());
const lineSchema = z.strictObject({
  stage: z.string(),
  step: z.int().min(1),
  learningRate: z.number(),
  losses: numbers,
  validation: z.strictObject({ score: z.number(), measures: numbers }),
});

/** @throws PosecastError when the line cannot be written, which names the file: the system's own words do not. */
export async function appendLog(path: string, stage: string, entry: LogEntry): Promise<void> {
  try {
    await appendFile(path, `${JSON.stringify({ stage, ...entry })}\n`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new PosecastError(
      'unwritable-training-log',
      `training log: expected to append a line, found ${code ?? 'an error'}`,
      { file: path },
      error,
    );
  }
}

/** Drops what an interruption left of the line that was being written: the next entry begins a line of its own. */
export async function dropTornLine(path: string): Promise<void> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const whole = bytes.lastIndexOf('\n') + 1;
  if (whole < bytes.length) await truncate(path, whole);
}

/** The entries of a stage in order of steps; a step that was repeated after an interruption counts once. */
export async function readLog(path: string, stage: string): Promise<LogEntry[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const entries = new Map<number, LogEntry>();
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const { stage: of, ...entry } = parseLine(line, path, i + 1);
    if (of === stage) entries.set(entry.step, entry);
  }
  return [...entries.values()].sort((a, b) => a.step - b.step);
}

function parseLine(line: string, file: string, number: number): z.infer<typeof lineSchema> {
  let content: unknown;
  try {
    content = JSON.parse(line);
  } catch (error) {
    throw new IntegrityError('bad-training-log', 'line is not JSON', { file, line: number }, error);
  }
  const parsed = lineSchema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new IntegrityError('bad-training-log', `line is not valid: ${describeIssues(parsed.error)}`, {
    file,
    line: number,
  });
}
