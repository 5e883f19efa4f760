/**
 * The combiner at the postures of a bank: (identity embedding, posture of the bank) → embedding of that identity at that
 * posture. On a CPU what depends on an identity alone is computed once for all its variants of a request, and what
 * depends on a posture alone is kept; only what depends on both is computed for every variant
 * (docs/decisions/cpu-speed.md). The answers are those of `Combiner` up to rounding: ONNX Runtime joins operators of a whole
 * that lie in different parts.
 */
import { readFile } from 'node:fs/promises';
import { type NetworkSide, type SplitNetwork, splitByInput } from '../../models/splitByInput.ts';
import { createReleasers } from '../../shared/async/releasers.ts';
import { POSTURE_DIM } from '../../shared/face.ts';
import { type Combiner, openCombiner, unitEmbeddings } from './combiner.ts';
import { openKeptRows } from './keptRows.ts';
import { matrixRows, openRowPicker, type RowTable, rowTable } from './rowTable.ts';
import type { NetworkTensor } from './runtime.ts';
import { type NetworkSession, openSession, type SessionOptions } from './session.ts';

export interface BankRequest {
  /** m × `dim`: m different identities. */
  readonly identities: Float32Array;
  readonly dim: number;
  /** Of n variants, the row of their identity. */
  readonly sources: Uint32Array;
  /** Of n variants, the row of their posture in the bank. */
  readonly postures: Uint32Array;
}

export interface BankCombiner {
  /** n × `dim`: embeddings of unit length. */
  combine(request: BankRequest): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A side of fewer weights is computed about as fast as it is shared: those of the ridge maps that ship. */
const SHARED_BYTES = 2 ** 20;

/** 64 MB a thread at most: 5,900 postures of `vit-late`, 2,300 of `vit-prefix`. */
const KEPT_VALUES = 16 * 2 ** 20;

/**
 * @param codes of the bank, n × 512.
 * @param keptValues that are kept of postures at most.
 */
export async function openBankCombiner(
  path: string,
  codes: Float32Array,
  options: SessionOptions,
  keptValues = KEPT_VALUES,
): Promise<BankCombiner> {
  // A GPU is fed whole batches of pairs.
  const split = options.device === 'cpu' ? splitToShare(await readFile(path)) : undefined;
  if (split === undefined) return combinerOfPairs(await openCombiner(path, options), codes);
  const releasers = createReleasers();
  const open = (file: Uint8Array): Promise<NetworkSession> =>
    releasers.keep(
      'network',
      openSession(path, options, () => file),
    );
  const openSide = async (input: string): Promise<RunSide | undefined> => {
    const side = split.sides.find((candidate) => candidate.input === input);
    return side && runSide(side, await open(side.file));
  };
  try {
    const parts: Parts = {
      ofIdentities: await openSide('identity'),
      ofPostures: await openSide('posture'),
      rest: { session: await open(split.rest.file), inputs: split.rest.inputs },
    };
    const combine = combinerOfParts(parts, matrixRows(codes, POSTURE_DIM), keptValues);
    return { combine, close: () => releasers.release() };
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

/** Undefined where sharing gains nothing. */
export function splitToShare(file: Uint8Array): SplitNetwork | undefined {
  const split = splitByInput(file);
  return split?.sides.some((side) => side.file.length >= SHARED_BYTES) ? split : undefined;
}

/** The same of a combiner that is asked for every pair. */
export function combinerOfPairs(combiner: Combiner, codes: Float32Array): BankCombiner {
  const [pickIdentities, pickPostures] = [openRowPicker(), openRowPicker()];
  const bank = matrixRows(codes, POSTURE_DIM);
  return {
    combine: ({ identities, dim, sources, postures }) =>
      combiner.combine(
        pickIdentities(matrixRows(identities, dim), sources).data,
        pickPostures(bank, postures).data,
      ),
    close: () => combiner.close(),
  };
}

/** Rows of an input → what the network makes of it alone, by the names of its outputs. */
type RunSide = (rows: RowTable) => Promise<ReadonlyMap<string, RowTable>>;

function runSide({ input, outputs }: NetworkSide, session: NetworkSession): RunSide {
  return async (rows) => {
    const made = await session.runNamed({ [input]: rows });
    return new Map(outputs.map((name) => [name, rowTable(made[name]!, rows.count)]));
  };
}

interface Parts {
  /** Absent where nothing is made of the input alone. */
  readonly ofIdentities: RunSide | undefined;
  readonly ofPostures: RunSide | undefined;
  readonly rest: { readonly session: NetworkSession; readonly inputs: readonly string[] };
}

function combinerOfParts(
  { ofIdentities, ofPostures, rest }: Parts,
  bank: RowTable,
  keptValues: number,
): BankCombiner['combine'] {
  const pickCodes = openRowPicker();
  const kept =
    ofPostures &&
    openKeptRows({ items: bank.count, values: keptValues }, (postures) =>
      ofPostures(pickCodes(bank, postures)),
    );
  const pickers = new Map(rest.inputs.map((name) => [name, openRowPicker()]));
  return async ({ identities, dim, sources, postures }) => {
    const given = matrixRows(identities, dim);
    const identityTables = await ofIdentities?.(given);
    const posture = await kept?.of(postures);
    const inputs: Record<string, NetworkTensor> = {};
    for (const [name, pick] of pickers) {
      const [ofIdentity, ofPosture] = [identityTables?.get(name), posture?.tables.get(name)];
      if (ofIdentity !== undefined) inputs[name] = pick(ofIdentity, sources);
      else if (ofPosture !== undefined) inputs[name] = pick(ofPosture, posture!.rows);
      else inputs[name] = name === 'identity' ? pick(given, sources) : pick(bank, postures);
    }
    return unitEmbeddings(rest.session, await rest.session.runNamed(inputs), dim);
  };
}
