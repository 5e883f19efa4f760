import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FacePair, PairList } from '../../../src/evaluate/protocols/facePair.ts';
import {
  foldAccuracies,
  jackknife,
  pairMeasures,
  scorePairs,
} from '../../../src/evaluate/protocols/pairMeasures.ts';
import { listProblem, measurePairs } from '../../../src/evaluate/protocols/pairProblem.ts';
import { openTemplatePool } from '../../../src/evaluate/protocols/templatePool.ts';
import { evenPostures } from '../../../src/evaluate/protocols/variantMaker.ts';
import { POSTURE_DIM } from '../../../src/shared/face.ts';
import { normalizeInPlace } from '../../../src/shared/l2.ts';

interface Pair {
  readonly score: number;
  readonly same: boolean;
  readonly fold: number;
}

const scored = (pairs: readonly Pair[], folds: number) =>
  scorePairs(
    Float64Array.from(pairs, ({ score }) => score),
    Uint8Array.from(pairs, ({ same }) => Number(same)),
    Int32Array.from(pairs, ({ fold }) => fold),
    folds,
  );

const anyPairs = fc.array(
  fc.record({
    score: fc.integer({ min: 0, max: 12 }).map((k) => k / 10),
    same: fc.boolean(),
    fold: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 6, maxLength: 40 },
);

/** Every threshold that could make a difference. */
function bestAccuracy(pairs: readonly Pair[]): number {
  const thresholds = [-1, ...pairs.flatMap(({ score }) => [score, score + 0.05]), 9];
  const right = (threshold: number) => pairs.filter(({ score, same }) => score >= threshold === same).length;
  return Math.max(...thresholds.map(right));
}

describe('pair measures', () => {
  it('the threshold of a fold is the best there is on all other folds', () => {
    fc.assert(
      fc.property(anyPairs, (pairs) => {
        // Two copies of the other folds as fold 0 and the rest: what is best for the rest is best for their copy.
        const rest = pairs.map((pair) => ({ ...pair, fold: 1 }));
        const copy = pairs.map((pair) => ({ ...pair, fold: 0 }));
        const [accuracy] = foldAccuracies(scored([...copy, ...rest], 2));
        assert.equal(Math.round(accuracy! * pairs.length), bestAccuracy(pairs));
      }),
    );
  });

  it('a fold never sets its own threshold', () => {
    const others = [
      { score: 0.9, same: true, fold: 1 },
      { score: 0.1, same: false, fold: 1 },
    ];
    const own = [
      { score: 0.3, same: true, fold: 0 },
      { score: 0.2, same: false, fold: 0 },
    ];
    // 0.5 is half-way between the scores of fold 1 and refuses both pairs of fold 0; 0.25 parts those of fold 1.
    assert.deepEqual([...foldAccuracies(scored([...own, ...others], 2))], [0.5, 1]);
  });

  it('scores far apart give accuracy 1, no error and every pair accepted', () => {
    const pairs = Array.from({ length: 400 }, (_, i) => ({ score: i % 2, same: i % 2 === 1, fold: i % 10 }));
    const values = pairMeasures(scored(pairs, 10)).map(({ name, statistic }) => [
      name,
      jackknife(statistic, 10, [0, 1]),
    ]);
    assert.deepEqual(values, [
      ['accuracy', { value: 1, low: 1, high: 1 }],
      ['EER', { value: 0, low: 0, high: 0 }],
      ['TAR@0.1', { value: 1, low: 1, high: 1 }],
      // 200 impostor pairs have no rate of 0.01 that three of them could show.
    ]);
  });

  it('the order of the list changes nothing', () => {
    fc.assert(
      fc.property(anyPairs, fc.integer({ min: 1, max: 5 }), (pairs, turn) => {
        const turned = [...pairs.slice(turn), ...pairs.slice(0, turn)];
        const of = (some: readonly Pair[]) =>
          pairMeasures(scored(some, 3)).map(({ statistic }) => statistic(new Float64Array(3).fill(1)));
        assert.deepEqual(of(turned), of(pairs));
      }),
    );
  });

  it('the interval of a mean over ten folds is the mean and 2.262 standard errors', () => {
    const folds = [0.9, 0.92, 0.88, 0.95, 0.91, 0.9, 0.89, 0.93, 0.9, 0.94];
    const mean = (weights: Float64Array) =>
      folds.reduce((sum, value, i) => sum + weights[i]! * value, 0) / weights.reduce((a, b) => a + b, 0);
    const { value, low, high } = jackknife(mean, 10, [0, 1]);
    const deviation = Math.sqrt(folds.reduce((sum, one) => sum + (one - value) ** 2, 0) / 9);
    assert.ok(Math.abs(high - value - (2.262 * deviation) / Math.sqrt(10)) < 1e-12);
    assert.ok(Math.abs(value - low - (high - value)) < 1e-12);
  });
});

describe('intervals of pair measures', () => {
  it('a fold that holds all genuine pairs cannot be left out, and then nothing is known', () => {
    const pairs = Array.from({ length: 40 }, (_, i) => ({ score: i, same: i % 4 === 0, fold: i % 4 }));
    const [, error] = pairMeasures(scored(pairs, 4));
    const { value, low, high } = jackknife(error!.statistic, 4, [0, 1]);
    assert.ok(value > 0 && value < 1);
    assert.deepEqual([low, high], [0, 1]);
  });

  it('never leave the range that a share can have', () => {
    fc.assert(
      fc.property(anyPairs, (pairs) => {
        for (const { statistic } of pairMeasures(scored(pairs, 3))) {
          const { value, low, high } = jackknife(statistic, 3, [0, 1]);
          if (Number.isNaN(value)) continue;
          assert.ok(
            0 <= low && low <= value + 1e-12 && value <= high + 1e-12 && high <= 1,
            `${low} ${value} ${high}`,
          );
        }
      }),
    );
  });
});

describe('folds of a list', () => {
  it('one whose photographs all were rejected makes no interval narrower', async () => {
    const ahead = (degrees: number) => {
      const radians = (degrees * Math.PI) / 180;
      return Float32Array.of(Math.cos(radians), Math.sin(radians));
    };
    // Folds 1, 4 and 8 have photographs; one pair of fold 4 is answered wrongly.
    const [embeddings, pairs] = [new Map<string, Float32Array>(), [] as FacePair[]];
    for (let fold = 0; fold < 10; fold++) {
      for (let k = 0; k < 20; k++) {
        const same = k % 2 === 0;
        const [first, second] = [`${fold}/${k}/1`, `${fold}/${k}/2`];
        pairs.push({ fold, same, first, second });
        if (![1, 4, 8].includes(fold)) continue;
        embeddings.set(first, ahead(0));
        embeddings.set(second, ahead(same && !(fold === 4 && k === 0) ? 10 : 60));
      }
    }
    const { signal } = new AbortController();
    const measured = (list: PairList) => measurePairs(listProblem(list, embeddings), [], signal);
    const three = pairs
      .filter(({ first }) => embeddings.has(first))
      .map((pair) => ({ ...pair, fold: [1, 4, 8].indexOf(pair.fold) }));
    const { rows } = await measured({ pairs: three, folds: 3 });
    const { value, low, high } = rows[0]!.values.accuracy!;
    assert.ok(0 < low && low < value && value < high);
    assert.deepEqual((await measured({ pairs, folds: 10 })).rows, rows);
  });
});

describe('template pool', () => {
  it('a video counts as much as a photograph, however many frames it has', () => {
    const pool = openTemplatePool();
    for (let frame = 0; frame < 50; frame++) pool.add(7, 1, Float32Array.of(1, 0));
    pool.add(7, 2, Float32Array.of(0, 1));
    const [x, y] = pool.pooled().get(7)!;
    assert.ok(Math.abs(x! - Math.SQRT1_2) < 1e-6 && Math.abs(y! - Math.SQRT1_2) < 1e-6);
  });

  it('the order of photographs changes nothing and every template has unit length', () => {
    const entry = fc.tuple(
      fc.integer({ min: 0, max: 3 }),
      fc.integer({ min: 0, max: 3 }),
      fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
    );
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
        const pooled = (some: typeof entries) => {
          const pool = openTemplatePool();
          for (const [template, media, values] of some) {
            const embedding = Float32Array.from(values);
            normalizeInPlace(embedding);
            pool.add(template, media, embedding);
          }
          return pool.pooled();
        };
        const [forth, back] = [pooled(entries), pooled([...entries].reverse())];
        assert.equal(forth.size, new Set(entries.map(([template]) => template)).size);
        for (const [template, one] of forth) {
          const other = back.get(template)!;
          assert.ok(Math.abs(Math.hypot(...one) - 1) < 1e-5);
          assert.ok(one.every((value, i) => Math.abs(value - other[i]!) < 1e-5));
        }
      }),
    );
  });
});

describe('target postures of a protocol', () => {
  it('are spread evenly over the yaw of the bank, the least pitched of each part', () => {
    const yaw = Float32Array.of(40, -40, 0, 41, -41, 1);
    const pitch = Float32Array.of(5, 1, 9, 1, 5, 2);
    const codes = Float32Array.from({ length: 6 * POSTURE_DIM }, (_, i) => Math.floor(i / POSTURE_DIM));
    const bank = { ids: ['a', 'b', 'c', 'd', 'e', 'f'], codes, yaw, pitch, roll: new Float32Array(6) };
    assert.deepEqual(
      evenPostures(bank, 3).map(([first]) => first),
      [1, 5, 3],
    );
    assert.equal(evenPostures(bank, 10).length, 10);
  });
});
