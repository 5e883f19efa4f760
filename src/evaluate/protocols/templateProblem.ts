/** Pairs of IJB templates as a pair problem. */
import { FOLDS } from './facePair.ts';
import type { TemplatePair } from './ijbLists.ts';
import { numberFolds, type PairProblem } from './pairProblem.ts';

/** Pairs that the arrays have room for at first; they double. */
const FIRST_ROOM = 1 << 16;

/**
 * Reads all pairs, 10 bytes each in memory. The first template of a pair is enrolled. Templates without any usable
 * photograph have no embedding, and their pairs are counted but left out. Folds are groups of enrolled templates.
 */
export async function templateProblem(
  pooled: ReadonlyMap<number, Float32Array>,
  pairs: AsyncIterable<TemplatePair>,
): Promise<{ problem: PairProblem; asked: number }> {
  const enrolled = numbering();
  const others = numbering();
  let [first, second, same] = [
    new Int32Array(FIRST_ROOM),
    new Int32Array(FIRST_ROOM),
    new Uint8Array(FIRST_ROOM),
  ];
  let fold = new Uint8Array(FIRST_ROOM);
  let [asked, kept] = [0, 0];
  for await (const pair of pairs) {
    asked++;
    const [one, other] = [pooled.get(pair.first), pooled.get(pair.second)];
    if (one === undefined || other === undefined) continue;
    if (kept === same.length) {
      [first, second, same, fold] = [doubled(first), doubled(second), doubled(same), doubled(fold)];
    }
    first[kept] = enrolled.numberOf(pair.first, one);
    second[kept] = others.numberOf(pair.second, other);
    same[kept] = Number(pair.same);
    fold[kept] = groupOf(pair.first);
    kept++;
  }
  return {
    asked,
    problem: {
      enrolled: enrolled.vectors,
      asked: others.vectors,
      first: first.slice(0, kept),
      second: second.slice(0, kept),
      same: same.slice(0, kept),
      ...numberFolds(fold.subarray(0, kept)),
    },
  };
}

/** One of ten groups, spread over the numbers whatever their order (Knuth's multiplicative hash). */
function groupOf(template: number): number {
  return Math.floor(((Math.imul(template, 2654435761) >>> 0) / 2 ** 32) * FOLDS);
}

function numbering() {
  const places = new Map<number, number>();
  const vectors: Float32Array[] = [];
  return {
    vectors: vectors as readonly Float32Array[],
    numberOf(template: number, vector: Float32Array): number {
      const known = places.get(template);
      if (known !== undefined) return known;
      places.set(template, vectors.length);
      return vectors.push(vector) - 1;
    },
  };
}

function doubled<T extends Int32Array | Uint8Array>(values: T): T {
  const larger =
    values instanceof Int32Array ? new Int32Array(2 * values.length) : new Uint8Array(2 * values.length);
  larger.set(values);
  return larger as T;
}
