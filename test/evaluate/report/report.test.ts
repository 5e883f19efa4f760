import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { renderReport } from '../../../src/evaluate/report/report.ts';
import { escapeText, html } from '../../../src/shared/page/html.ts';
import { linearScale } from '../../../src/shared/page/scale.ts';
import {
  LEAKED,
  madeUpEvaluation,
  madeUpRecognizer,
  madeUpRow,
  madeUpVerdict,
} from '../../helpers/madeUpEvaluation.ts';

/** Tags of a page in order, without their attributes. */
const tagsOf = (markup: string) => [...markup.matchAll(/<(\/?[a-z][a-z0-9]*)/gi)].map(([, tag]) => tag!);
/** Names of attributes: what stands before ="…" inside tags. */
const attributesOf = (markup: string) =>
  [...markup.matchAll(/<[a-z][^<>]*>/gi)].flatMap(([tag]) =>
    [...tag.matchAll(/\s([a-z:-]+)="[^"]*"/gi)].map(([, n]) => n!),
  );

const jpeg = Buffer.from('not really a photograph').toString('base64');

function hostileEvaluation(text: string) {
  const rows = [
    madeUpRow('none', 'none', 0),
    madeUpRow('fr-feature', 'generator', 0.1, { label: text, trainedOn: text, note: text }),
    madeUpRow('ridge map', 'rival', 0.07, { label: text }),
    madeUpRow('shuffled', 'ablation', 0.02, { label: text, of: 'fr-feature' }),
    madeUpRow('leaky', 'control', 0.3, { label: text }),
  ];
  const curve = { rowId: 'fr-feature', label: text, points: madeUpRecognizer().curves.variants[0]!.points };
  const recognizer = madeUpRecognizer({
    name: text,
    rows,
    verdicts: [madeUpVerdict({ text, postureUsed: 'no' })],
    curves: { variants: [curve], trainingPeople: [curve] },
  });
  const { corpora } = madeUpEvaluation();
  return madeUpEvaluation({
    command: text,
    warnings: [text],
    recognizers: [recognizer, recognizer],
    corpora: corpora.map((corpus) => ({
      ...corpus,
      path: text,
      rejected: { [text]: 1 },
      subjectsLeftOut: [text],
    })),
    leakage: {
      status: 'leaked',
      models: [{ model: text, trainingSubjects: 1, checkedBy: ['name'] }],
      findings: [{ model: text, corpus: 'evaluated', subjectId: text, foundBy: ['name'] }],
    },
    examples: [{ group: text, subjectId: text, caption: text, pictures: [{ role: 'probe', yaw: 50, jpeg }] }],
  });
}

describe('report', () => {
  it('says how many pairs were compared only where verification was a task', () => {
    const { protocol } = madeUpEvaluation();
    assert.match(renderReport(madeUpEvaluation()), /impostor pairs of one seed/);
    const tasks = protocol.tasks.filter((task) => task !== 'verification');
    const without = madeUpEvaluation({
      protocol: { ...protocol, tasks, genuinePairs: 0, impostorPairs: 0 },
    });
    assert.doesNotMatch(renderReport(without), /impostor pairs of one seed/);
  });

  it('of several models the best stands first and in full, the others unfold', () => {
    const rows = [
      madeUpRow('none', 'none', 0),
      madeUpRow('weak', 'generator', 0.02),
      madeUpRow('strong', 'generator', 0.1),
      madeUpRow('ridge map', 'rival', 0.07),
    ];
    const verdicts = ['weak', 'strong'].map((rowId) => madeUpVerdict({ rowId }));
    const page = renderReport(madeUpEvaluation({ recognizers: [madeUpRecognizer({ rows, verdicts })] }));
    const header = page.slice(page.indexOf('<header'), page.indexOf('</header>'));
    const [strong, fold, weak] = ['strong helps', '1 other model, none', 'weak helps'].map((words) =>
      header.indexOf(words),
    );
    assert.ok(strong! > 0 && strong! < fold! && fold! < weak!, `${strong} ${fold} ${weak}`);
  });

  it('says the verdict before anything else', () => {
    const page = renderReport(madeUpEvaluation());
    const body = page.slice(page.indexOf('<body>'));
    assert.ok(body.indexOf('fr-feature helps') > 0);
    assert.ok(body.indexOf('fr-feature helps') < body.indexOf('<table'));
  });

  it('holds every row, its difference to none and the interval', () => {
    const page = renderReport(madeUpEvaluation());
    for (const { label, metrics } of madeUpRecognizer().rows) {
      assert.ok(page.includes(escapeText(label)), label);
      const difference = metrics.ncm?.difference;
      if (difference === undefined) continue;
      const low = Math.abs(100 * difference.low).toFixed(1);
      assert.ok(page.includes(low), `${label} ${low}`);
    }
  });

  it('fetches nothing: no script, no style sheet, no font, no address, pictures inside', () => {
    const page = renderReport(
      madeUpEvaluation({
        examples: [
          { group: 'right', subjectId: 's01', caption: '', pictures: [{ role: 'probe', yaw: 50, jpeg }] },
        ],
      }),
    );
    assert.doesNotMatch(page, /https?:|\/\/[a-z]|@import|url\(|<script|<link|<iframe|javascript:/i);
    const sources = [...page.matchAll(/\s(?:src|href|xlink:href)="([^"]*)"/g)].map(([, value]) => value!);
    assert.deepEqual(sources, [`data:image/jpeg;base64,${jpeg}`]);
    assert.match(page, /default-src &#39;none&#39;/);
  });

  it('no text of a corpus, a card or a command line becomes markup', () => {
    const harmless = renderReport(hostileEvaluation('x'));
    const hostile = fc.oneof(
      fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        '</title></style><iframe src=//evil>',
        '--><svg onload=alert(1)>',
        '&lt;b&gt;&#60;i>',
      ),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        const page = renderReport(hostileEvaluation(text));
        assert.deepEqual(tagsOf(page), tagsOf(harmless));
        assert.deepEqual(attributesOf(page), attributesOf(harmless));
      }),
      { numRuns: 60 },
    );
  });

  it('escaped text has no character that could end an element or an attribute, and loses none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const escaped = escapeText(text);
        assert.doesNotMatch(escaped, /[<>"']|&(?!#[0-9]+;)/);
        const back = escaped.replace(/&#([0-9]+);/g, (_, code: string) => String.fromCharCode(Number(code)));
        assert.equal(back, text);
        assert.equal(html`${text}`.markup, escaped);
      }),
    );
  });

  it('leakage and shuffled labels are stamped across the top, above the verdict', () => {
    const { protocol } = madeUpEvaluation();
    const leaked = renderReport(madeUpEvaluation({ leakage: LEAKED }));
    const shuffled = renderReport(madeUpEvaluation({ protocol: { ...protocol, shuffledLabels: true } }));
    assert.match(leaked, /<body>\s*<div class="stamp" role="alert">LEAKAGE/);
    assert.ok(leaked.includes('evaluated/s03, evaluated/s07'));
    assert.match(shuffled, /<body>\s*<div class="stamp" role="alert">LABELS WERE SHUFFLED/);
    assert.doesNotMatch(renderReport(madeUpEvaluation()), /class="stamp"/);
  });

  it('says posture not used on the card of the verdict', () => {
    const recognizers = [madeUpRecognizer({ verdicts: [madeUpVerdict({ postureUsed: 'no' })] })];
    assert.match(renderReport(madeUpEvaluation({ recognizers })), /class="badge">posture not used/);
    assert.doesNotMatch(renderReport(madeUpEvaluation()), /class="badge"/);
  });

  it('is the same for the same result', () => {
    assert.equal(renderReport(madeUpEvaluation()), renderReport(madeUpEvaluation()));
  });

  it('an axis holds its whole range between round ticks', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: 1e-6, max: 2, noNaN: true }),
        (low, width) => {
          const scale = linearScale([low, low + width], [0, 100]);
          assert.ok(scale.low <= low + 1e-6 * width && scale.high >= low + width - 1e-6 * width);
          assert.ok(scale.ticks.length >= 2 && scale.ticks.length <= 9, `${scale.ticks}`);
          for (const tick of scale.ticks) assert.ok(scale.at(tick) > -1e-6 && scale.at(tick) < 100 + 1e-6);
        },
      ),
    );
  });
});
