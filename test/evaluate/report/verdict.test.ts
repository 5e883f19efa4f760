import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verdictOf } from '../../../src/evaluate/report/verdict.ts';
import type { EvaluationResult, EvaluationRow, Verdict } from '../../../src/evaluate/result.ts';
import {
  around,
  LEAKED,
  madeUpEvaluation,
  madeUpRecognizer,
  madeUpRow,
  madeUpVerdict,
} from '../../helpers/madeUpEvaluation.ts';

interface Case {
  readonly gain: number;
  /** Difference to none of each |yaw| bin: 0–45, 45–60, 60–90. */
  readonly bins?: readonly number[];
  readonly verdict?: Partial<Verdict>;
  readonly result?: Partial<EvaluationResult>;
}

function verdictFor({ gain, bins = [gain, gain, gain], verdict = {}, result = {} }: Case) {
  const edges = [0, 45, 60, 90];
  const byYaw: EvaluationRow['byYaw'] = bins.map((difference, i) => ({
    from: edges[i]!,
    to: edges[i + 1]!,
    probes: 40,
    subjects: 12,
    ncm: { ...around(0.6), difference: around(difference, 0.03) },
  }));
  const recognizer = madeUpRecognizer({
    rows: [
      madeUpRow('none', 'none', 0),
      madeUpRow('fr-feature', 'generator', gain, { byYaw }),
      madeUpRow('ridge map', 'rival', 0.07),
    ],
  });
  return verdictOf(madeUpEvaluation(result), recognizer, madeUpVerdict(verdict));
}

describe('verdict', () => {
  it('a gain whose interval lies above zero everywhere helps, by how much and from where to where', () => {
    const { tone, headline, sentences } = verdictFor({ gain: 0.107 });
    assert.equal(tone, 'helps');
    assert.equal(
      headline,
      'fr-feature helps: identification of turned faces +10.7 points [+6.7, +14.7], from 64.0\u202F% to 74.7\u202F%.',
    );
    assert.equal(
      sentences.some((sentence) => sentence.includes('no difference can be told')),
      false,
    );
  });

  it('a gain only in the far bins helps only beyond their angle, whatever the mean says', () => {
    for (const helps of ['yes', 'unclear'] as const) {
      const { tone, headline, sentences } = verdictFor({
        gain: 0.05,
        bins: [0.01, 0.09, 0.08],
        verdict: { helps },
      });
      assert.equal(tone, 'helps-beyond');
      assert.match(headline, /helps only beyond 45°/);
      assert.ok(sentences.includes('At 0–45° no difference can be told.'));
    }
  });

  it('a gain that stops again before profile is said with its angles, not as beyond', () => {
    const { tone, sentences } = verdictFor({ gain: 0.05, bins: [0, 0.09, 0] });
    assert.equal(tone, 'helps');
    assert.ok(sentences.includes('It helps at 45–60°.'));
    assert.ok(sentences.includes('At 0–45° and 60–90° no difference can be told.'));
  });

  it('an interval across zero cannot be told apart with this much data', () => {
    const { tone, headline, sentences } = verdictFor({ gain: 0.01, verdict: { helps: 'unclear' } });
    assert.equal(tone, 'unclear');
    assert.match(headline, /cannot be told apart from no augmentation with this much data/);
    assert.ok(sentences.includes('The smallest true gain that this much data would show is 4.1 points.'));
  });

  it('a loss hurts, even when a far bin gains', () => {
    const { tone, headline } = verdictFor({
      gain: -0.05,
      bins: [-0.09, -0.05, 0.05],
      verdict: { helps: 'no' },
    });
    assert.equal(tone, 'hurts');
    assert.match(headline, /hurts: .*−5\.0 points \[−9\.0, −1\.0\]/);
  });

  it('shuffled postures that do as well as true ones are posture not used', () => {
    const used = { postureUsed: 'no', againstShuffled: around(0.004, 0.02) } as const;
    const { postureNotUsed, sentences } = verdictFor({ gain: 0.1, verdict: used });
    assert.equal(postureNotUsed, true);
    assert.ok(
      sentences.includes(
        'Posture not used: shuffled postures do as well as true ones (true against shuffled +0.4 points [−1.6, +2.4]).',
      ),
    );
    assert.equal(verdictFor({ gain: 0.1 }).postureNotUsed, false);
  });

  it('leakage makes every gain invalid and nothing else is claimed', () => {
    const { tone, headline, sentences } = verdictFor({ gain: 0.3, result: { leakage: LEAKED } });
    assert.equal(tone, 'invalid');
    assert.match(headline, /^Not valid: 2 people of this evaluation were in the training of a model/);
    assert.equal(sentences.length, 1);
    assert.match(sentences[0]!, /^For the record/);
  });

  it('shuffled labels are a control in which nothing may help', () => {
    const { protocol } = madeUpEvaluation();
    const { tone, headline } = verdictFor({
      gain: 0,
      result: { protocol: { ...protocol, shuffledLabels: true } },
    });
    assert.equal(tone, 'invalid');
    assert.match(headline, /labels were shuffled on purpose/);
  });

  it('the best simple rival is beaten, better, or not told apart', () => {
    const said = (value: number) =>
      verdictFor({ gain: 0.1, verdict: { againstBestRival: around(value, 0.02) } }).sentences.join(' ');
    assert.match(
      said(0.04),
      /It beats the best simple rival, ridge map \(synthetic pairs of 66 people\), by \+4\.0 points/,
    );
    assert.match(said(-0.04), /A simple rival is better, ridge map \(.*\): −4\.0 points/);
    assert.match(said(0.01), /It cannot be told apart from the best simple rival, ridge map/);
  });

  it('without a model the best simple method is described and no posture is judged', () => {
    const without = { rowId: null, postureUsed: null, againstShuffled: null, againstBestRival: null };
    const { headline, sentences } = verdictFor({ gain: 0.1, verdict: without });
    assert.match(headline, /^No model was given\. The best simple method, ridge map, helps/);
    assert.equal(sentences.join(' ').toLowerCase().includes('posture'), false);
  });

  it('an evaluation without identification says that nothing was judged', () => {
    const rows = [
      madeUpRow('none', 'none', 0, { metrics: {} }),
      madeUpRow('fr-feature', 'generator', 0.1, { metrics: {} }),
    ];
    const { tone, headline } = verdictOf(madeUpEvaluation(), madeUpRecognizer({ rows }), madeUpVerdict());
    assert.equal(tone, 'unclear');
    assert.match(headline, /Nothing was judged/);
  });
});
