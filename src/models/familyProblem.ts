/** Whether the code of a family can read an entry of a registry of one's own. */
import { describePreprocess, describeShapes } from './describeEntry.ts';
import type { ModelEntry, TensorSignature } from './registryEntry.ts';

/**
 * What an entry says otherwise than the built-in one of its family: the code of a family was written for that one, and
 * has its numbers. A recogniser's own are those of its entry.
 */
export function familyProblem(entry: ModelEntry, builtIn: Iterable<ModelEntry>): string | undefined {
  const { family } = entry;
  const known = [...builtIn].find((candidate) => candidate.family === family);
  if (known === undefined) throw new TypeError(`no built-in model is of family ${family}`);
  const differs = (what: string, expected: string, found: string) =>
    `expected ${what} ${expected} of family ${family}, found ${found}`;
  if (entry.kind !== known.kind) return differs('kind', known.kind, entry.kind);
  if (family === 'embedding') return undefined;
  const preprocessOf = ({ preprocess }: ModelEntry) =>
    `${describePreprocess(preprocess)} ${preprocess.layout}`;
  if (preprocessOf(entry) !== preprocessOf(known)) {
    return differs('preprocess', preprocessOf(known), preprocessOf(entry));
  }
  const rolesOf = ({ files }: ModelEntry) => Object.keys(files).sort().join(', ');
  if (rolesOf(entry) !== rolesOf(known)) return differs('files', rolesOf(known), rolesOf(entry));
  for (const [role, file] of Object.entries(known.files)) {
    for (const side of ['inputs', 'outputs'] as const) {
      const found = entry.files[role]![side];
      const missing = file[side].filter((tensor) => !found.some((other) => isReadAs(other, tensor, side)));
      if (missing.length > 0) {
        return differs(side, describeTensors(missing), `${describeTensors(found)} in ${role}`);
      }
    }
  }
  return undefined;
}

/** Outputs are told apart by their names, but for those of converted graphs, whose names are the converter's. */
function isReadAs(found: TensorSignature, known: TensorSignature, side: 'inputs' | 'outputs'): boolean {
  const isNamed = side === 'outputs' && known.from === undefined;
  return shapeOfItem(found) === shapeOfItem(known) && (!isNamed || found.name === known.name);
}

/** Without the batch, which may be any; a free size has any name. */
function shapeOfItem({ shape }: TensorSignature): string {
  return shape
    .slice(1)
    .map((size) => (typeof size === 'number' ? size : 'free'))
    .join();
}

function describeTensors(tensors: readonly TensorSignature[]): string {
  return tensors.map((tensor) => `${tensor.name ?? ''}${describeShapes([tensor])}`).join(' ');
}
