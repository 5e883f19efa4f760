import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { kdefPhotograph } from '../../../src/evaluate/protocols/kdefCorpus.ts';
import {
  KDEF_ANGLES,
  KDEF_EMOTIONS,
  KDEF_GENDERS,
  KDEF_SESSIONS,
  KDEF_YAW,
  type KdefLabels,
  parseKdefName,
} from '../../../src/shared/labels/kdefName.ts';
import { kdefNameOf } from '../../helpers/kdefNameOf.ts';

const anyLabels: fc.Arbitrary<KdefLabels> = fc.record({
  session: fc.constantFrom(...KDEF_SESSIONS),
  gender: fc.constantFrom(...KDEF_GENDERS),
  number: fc.integer({ min: 1, max: 35 }),
  emotion: fc.constantFrom(...KDEF_EMOTIONS),
  angle: fc.constantFrom(...KDEF_ANGLES),
});

describe('KDEF names', () => {
  it('every combination of labels survives being written as a name and read again, in any case', () => {
    fc.assert(
      fc.property(
        anyLabels,
        fc.boolean(),
        fc.constantFrom('', 'AF01/', 'KDEF/x/'),
        (labels, lower, folder) => {
          const name = lower ? kdefNameOf(labels).toLowerCase() : kdefNameOf(labels);
          assert.deepEqual(parseKdefName(folder + name), { status: 'ok', labels: { ...labels } });
        },
      ),
    );
  });

  it('any other text is malformed, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const name = parseKdefName(text);
        if (name.status === 'ok') {
          const file = text.slice(Math.max(text.lastIndexOf('/'), text.lastIndexOf('\\')) + 1);
          assert.equal(file.slice(0, -4).toUpperCase(), kdefNameOf(name.labels).slice(0, -4));
        }
      }),
    );
  });

  it('a malformed name says which part, what was expected and what was found', () => {
    const problemOf = (name: string) => {
      const parsed = parseKdefName(name);
      return parsed.status === 'ok' ? 'ok' : `${parsed.problem.part}|${parsed.problem.found}`;
    };
    assert.deepEqual(
      [
        ...['AF01ANFL.PNG', 'AF31V.JPG', 'CF01ANFL.JPG', 'AX01ANFL.JPG', 'AF00ANFL.JPG', 'AF36ANFL.JPG'],
        ...['AFx1ANFL.JPG', 'AF01ZZFL.JPG', 'AF01ANSL.JPG', 'AF01ANX.JPG', 'AF01ANFLL.JPG', '.jpg'],
      ].map(problemOf),
      [
        ...['name|AF01ANFL.PNG', 'name|AF31V.JPG', 'session|C', 'gender|X', 'number|00', 'number|36'],
        ...['number|X1', 'emotion|ZZ', 'angle|SL', 'angle|X', 'name|AF01ANFLL.JPG', 'name|.jpg'],
      ],
    );
  });

  it('a left profile has a negative yaw and both sittings are one person', () => {
    assert.deepEqual(
      KDEF_ANGLES.map((angle) => KDEF_YAW[angle]),
      [-90, -45, 0, 45, 90],
    );
    const subjects = ['AM07HAS.JPG', 'BM07NEFR.JPG'].map((uri) => {
      const outcome = kdefPhotograph({ faceId: uri, subjectId: uri.slice(0, 4), uri, bytes: 0 });
      return outcome.status === 'ok' ? outcome.photograph.record.subjectId : outcome.rejection.message;
    });
    assert.deepEqual(subjects, ['M07', 'M07']);
  });

  it('a photograph whose name cannot be read is rejected with the reason', () => {
    const outcome = kdefPhotograph({
      faceId: 'AF31/AF31V.JPG',
      subjectId: 'AF31',
      uri: 'AF31/AF31V.JPG',
      bytes: 9,
    });
    assert.equal(outcome.status, 'rejected');
    assert.deepEqual(outcome.status === 'rejected' && outcome.rejection, {
      stage: 'read',
      code: 'bad-kdef-name',
      message: 'KDEF file name: expected 7 or 8 letters and digits such as AF01ANFL, found "AF31V.JPG"',
    });
  });
});
