/** Stages that are shown: those in which something is done, and not also the wait for them. */

/** Stages that are the wait for others, which are measured too where the worker knows them. */
const WAITS: readonly { readonly wait: string; readonly parts: readonly string[] }[] = [
  { wait: 'faces', parts: ['detect', 'embed'] },
  { wait: 'augment', parts: ['combine'] },
];

export function shownStages(stages: readonly string[]): string[] {
  return stages.filter(
    (stage) =>
      !WAITS.some(({ wait, parts }) => stage === wait && parts.some((part) => stages.includes(part))),
  );
}
