/**
 * A Dockerfile as its stages and steps: the part of the language that ours is written in, and nothing silently else.
 */

export interface Step {
  readonly op:
    | 'RUN'
    | 'COPY'
    | 'WORKDIR'
    | 'ENV'
    | 'USER'
    | 'CMD'
    | 'ENTRYPOINT'
    | 'HEALTHCHECK'
    | 'VOLUME'
    | 'STOPSIGNAL';
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  /** Another stage, or an image. */
  readonly base: string;
  readonly steps: readonly Step[];
}

const STEPS = /^(RUN|COPY|WORKDIR|ENV|USER|CMD|ENTRYPOINT|HEALTHCHECK|VOLUME|STOPSIGNAL)\s+(.*)$/s;

/** Stages by name, in their order. */
export function parseDockerfile(source: string): ReadonlyMap<string, Stage> {
  const args = new Map<string, string>();
  const stages = new Map<string, { name: string; base: string; steps: Step[] }>();
  let current: { name: string; base: string; steps: Step[] } | undefined;
  const lines = source
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  for (const line of lines.map((line) => line.trim()).filter(Boolean)) {
    const [, arg, value] = /^ARG (\w+)=(\S+)$/.exec(line) ?? [];
    if (arg !== undefined && value !== undefined) {
      args.set(arg, value);
      continue;
    }
    const [, from, name] = /^FROM (\S+) AS (\S+)$/.exec(line) ?? [];
    if (from !== undefined && name !== undefined) {
      const base = from.replace(/\$\{(\w+)\}/g, (_, arg) => args.get(arg) ?? `\${${arg}}`);
      current = { name, base, steps: [] };
      stages.set(name, current);
      continue;
    }
    const [, op, text] = STEPS.exec(line) ?? [];
    if (op === undefined || text === undefined || current === undefined)
      throw new Error(`not understood: ${line}`);
    current.steps.push({ op: op as Step['op'], text: text.replace(/\s+/g, ' ') });
  }
  return stages;
}

/** What is set by the last step of a kind, the stages below included. */
export function lastOf(stages: ReadonlyMap<string, Stage>, name: string, op: Step['op']): string | undefined {
  const stage = stages.get(name);
  if (stage === undefined) return undefined;
  return stage.steps.findLast((step) => step.op === op)?.text ?? lastOf(stages, stage.base, op);
}

/** Variables of a stage, the stages below included. */
export function environmentOf(stages: ReadonlyMap<string, Stage>, name: string): Record<string, string> {
  const stage = stages.get(name);
  if (stage === undefined) return {};
  const own = stage.steps.filter(({ op }) => op === 'ENV').flatMap(({ text }) => text.split(' '));
  return {
    ...environmentOf(stages, stage.base),
    ...Object.fromEntries(own.map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
  };
}
