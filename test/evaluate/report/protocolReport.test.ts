import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type ProtocolResult, parseProtocolResult } from '../../../src/evaluate/protocols/protocolResult.ts';
import { protocolVerdict, renderProtocolReport } from '../../../src/evaluate/report/protocolReport.ts';
import { around } from '../../helpers/madeUpEvaluation.ts';

function madeUpProtocol(changes: Partial<ProtocolResult> = {}, gain = 0.02): ProtocolResult {
  const value = (base: number, difference: number) => ({
    ...around(base, 0.02),
    difference: around(difference, 0.01),
  });
  const result: ProtocolResult = {
    ...{
      schemaVersion: 1,
      kind: 'protocol',
      posecastVersion: '0.1.0',
      command: 'posecast evaluate lfw --protocol lfw',
    },
    ...{
      finishedAt: '2026-01-02T03:04:05Z',
      seconds: 12,
      protocol: 'cfp-fp',
      corpus: 'data/cfp',
      lists: ['Protocol'],
    },
    ...{
      recognizer: 'fr-feature',
      detector: 'fr-detect',
      variants: 10,
      seed: 0,
      intervals: '95 %, jackknife over folds',
    },
    counts: { photographs: 7000, usable: 6890, rejected: { 'no-face': 110 }, asked: 7000, answered: 6780 },
    measures: [
      { name: 'accuracy', better: 'higher', meaning: 'right answers' },
      { name: 'EER', better: 'lower', meaning: 'equal error rate' },
    ],
    rows: [
      {
        id: 'none',
        label: 'none',
        kind: 'none',
        trainedOn: '',
        values: { accuracy: around(0.9), EER: around(0.1) },
      },
      {
        ...{ id: 'fra', label: 'FRA fra', kind: 'generator', trainedOn: '90 people' },
        values: { accuracy: value(0.92, gain), EER: value(0.08, -gain) },
      },
    ],
    defects: [],
    notes: ['Never run on the real set.'],
    ...changes,
  };
  return parseProtocolResult(JSON.parse(JSON.stringify(result)), 'made up');
}

describe('protocol report', () => {
  it('says whether a model helps before the table, with the interval, and that the set was never seen', () => {
    const page = renderProtocolReport(madeUpProtocol());
    assert.ok(page.includes('FRA fra helps: accuracy 92.0\u202F%, +2.0 points [+1.0, +3.0].'));
    assert.ok(page.indexOf('FRA fra helps') < page.indexOf('<table'));
    assert.ok(page.includes('Never run on the real set.'));
    assert.ok(page.includes('6,780 of 7,000 pairs compared'));
    assert.doesNotMatch(page, /https?:|@import|url\(|<script|<link/i);
  });

  it('a lower error helps and a higher one hurts', () => {
    const measures = [{ name: 'EER', better: 'lower', meaning: '' }] as const;
    const verdict = (gain: number) => {
      const { rows, defects } = madeUpProtocol({}, gain);
      return protocolVerdict({ measures: [...measures], defects }, rows[1]!).tone;
    };
    assert.deepEqual([0.02, 0, -0.02].map(verdict), ['helps', 'unclear', 'hurts']);
  });

  it('a protocol with defects is stamped and proves nothing', () => {
    const page = renderProtocolReport(
      madeUpProtocol({ protocol: 'kdef-published', defects: ['test people were in training'] }),
    );
    assert.match(page, /<body>\s*<div class="stamp" role="alert">AS PUBLISHED, DEFECTS INCLUDED/);
    assert.ok(page.includes('test people were in training.'));
    assert.match(page, /Not valid, for the record only/);
    assert.doesNotMatch(page, /FRA fra helps/);
  });

  it('without a model the accuracy without variants is the headline', () => {
    const [none] = madeUpProtocol().rows;
    assert.match(renderProtocolReport(madeUpProtocol({ rows: [none!] })), /Without variants: accuracy 90\.0/);
  });

  it('no text of a list or a command line becomes markup', () => {
    const tags = (markup: string) => [...markup.matchAll(/<(\/?[a-z][a-z0-9]*)/gi)].map(([, tag]) => tag);
    const hostile = (text: string) => {
      const { rows } = madeUpProtocol();
      return renderProtocolReport(
        madeUpProtocol({
          ...{ command: text, corpus: text, lists: [text], notes: [text], defects: [text], intervals: text },
          rows: [rows[0]!, { ...rows[1]!, label: text, trainedOn: text }],
          counts: { photographs: 1, usable: 0, rejected: { [text]: 1 }, asked: 1, answered: 0 },
        }),
      );
    };
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ minLength: 1 }),
          fc.constant('"><img src=x onerror=alert(1)>'),
          fc.constant('</style><b>'),
        ),
        (text) => assert.deepEqual(tags(hostile(text)), tags(hostile('x'))),
      ),
      { numRuns: 50 },
    );
  });
});
