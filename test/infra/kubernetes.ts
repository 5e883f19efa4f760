/**
 * Whether objects are what Kubernetes, KEDA and the Prometheus operator take: their published schemas say so of what is
 * there (kubernetes-models), their types of what must not be there: a field that does not exist is no error of a
 * schema, and the API server drops it in silence.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/shared/package.ts';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

interface Validated {
  validate(): void;
}

/**
 * @param modules folder whose node_modules has kubernetes-models.
 * @returns what is wrong, a line each.
 */
export async function kubernetesProblems(
  objects: readonly KubernetesObject[],
  modules: string,
): Promise<string[]> {
  const problems: string[] = [];
  for (const object of objects) {
    const path = join(modules, 'node_modules', packageOf(object), object.apiVersion, `${object.kind}.js`);
    const { [object.kind]: Model } = (await import(pathToFileURL(path).href)) as Record<
      string,
      new (
        data: unknown,
      ) => Validated
    >;
    if (Model === undefined) throw new Error(`no ${object.kind} in ${path}`);
    try {
      new Model(object).validate();
    } catch (error) {
      problems.push(`${object.kind} ${object.metadata.name}: ${(error as Error).message}`);
    }
  }
  return [...problems, ...(await typeProblems(objects, modules))];
}

const PACKAGES: Readonly<Record<string, string>> = {
  'keda.sh': '@kubernetes-models/keda',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
};

function packageOf({ apiVersion }: KubernetesObject): string {
  return PACKAGES[apiVersion.split('/')[0] ?? ''] ?? 'kubernetes-models';
}

/** What the compiler says of the objects as literals of their types. */
async function typeProblems(objects: readonly KubernetesObject[], modules: string): Promise<string[]> {
  const folder = await mkdtemp(join(modules, 'check-'));
  try {
    const imports = new Set(
      objects.map(
        (object) =>
          `import type { I${object.kind} } from '${packageOf(object)}/${object.apiVersion}/${object.kind}';`,
      ),
    );
    const literals = objects.map(
      (object, i) => `export const o${i}: I${object.kind} = ${JSON.stringify(object, undefined, 1)};`,
    );
    await writeFile(join(folder, 'objects.ts'), [...imports, ...literals].join('\n'));
    const compilerOptions = { strict: true, noEmit: true, skipLibCheck: true, types: [] };
    const resolution = { module: 'NodeNext', moduleResolution: 'NodeNext', target: 'ES2023' };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, ...resolution }, include: ['objects.ts'] }),
    );
    const tsc = join(packageRoot, 'node_modules', 'typescript', 'bin', 'tsc');
    const told = await promisify(execFile)(process.execPath, [tsc, '-p', folder]).then(
      () => '',
      (error: { stdout: string; stderr: string }) => error.stdout + error.stderr || 'the compiler failed',
    );
    return told.split('\n').filter((line) => line.trim() !== '');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
