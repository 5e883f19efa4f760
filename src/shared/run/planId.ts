/** The name of an append's plan, which is in the keys of its listing. */
import { randomBytes } from 'node:crypto';

/** Its generation is in it: leftovers of an earlier one can be told from the plan that is being made. */
export function newPlanId(runId: string, generation: number): string {
  return `${runId}-g${String(generation).padStart(4, '0')}-${randomBytes(3).toString('hex')}`;
}

/** The generation that a file of `listing/` was planned for; undefined for any other key. */
export function plannedGeneration(runId: string, key: string): number | undefined {
  const [, before, digits] = /^listing\/[a-z]+-(.+)-g(\d{4,})-[0-9a-f]{6}[-.]/.exec(key) ?? [];
  return before === runId ? Number(digits) : undefined;
}
