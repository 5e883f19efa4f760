/** What `npm run test:infra` brings; `npm test` runs the checks that need none of it. */

export interface InfraTools {
  /** Paths of programs. A missing one says why. */
  readonly helm: Tool;
  readonly hadolint: Tool;
  readonly compose: Tool;
  readonly terraform: Tool;
  /** Folder whose node_modules has kubernetes-models. */
  readonly kubernetes: Tool;
  /** Whether images can be put together here: root, and file systems that lie over others. */
  readonly layers: Tool;
}

export type Tool = { readonly path: string } | { readonly missing: string };

const given = process.env.POSECAST_INFRA_TOOLS;
const tools: InfraTools | undefined = given === undefined ? undefined : JSON.parse(given);

/** For the options of a test: runs where these tools are. */
export function needs(...names: readonly (keyof InfraTools)[]): { skip: string | false; timeout: number } {
  const timeout = 1_200_000;
  if (tools === undefined) return { skip: 'only in npm run test:infra', timeout };
  const missing = names.flatMap((name) => {
    const tool = tools[name];
    return 'missing' in tool ? [`${name}: ${tool.missing}`] : [];
  });
  return { skip: missing.length > 0 ? missing.join('; ') : false, timeout };
}

/** Path of a tool, in a test that `needs` it. */
export function tool(name: keyof InfraTools): string {
  const found = tools?.[name];
  if (found === undefined || 'missing' in found) throw new Error(`no ${name} here`);
  return found.path;
}
