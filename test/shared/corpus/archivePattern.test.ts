import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { archiveRoot, expandArchives, expandBraces } from '../../../src/shared/corpus/archivePattern.ts';

const integer = fc.integer({ min: -12, max: 12 });
const number = fc.oneof(
  integer.map(String),
  integer.map((value) => `${value < 0 ? '-' : ''}0${Math.abs(value)}`),
);
const range = fc.oneof(
  fc.tuple(number, number).map(([a, b]) => `{${a}..${b}}`),
  fc.tuple(number, number, fc.integer({ min: 1, max: 7 })).map(([a, b, by]) => `{${a}..${b}..${by}}`),
  fc.tuple(fc.constantFrom('a', 'c', 'z'), fc.constantFrom('b', 'k', 'p')).map(([a, b]) => `{${a}..${b}}`),
);
const plain = fc.constantFrom('', 'x', 'part-', '/', '.tar', 'a,b', '{', '}', '{}', '{x}', '{1..}');
const { pattern } = fc.letrec((tie) => ({
  pattern: fc.array(tie('piece'), { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join('')),
  piece: fc.oneof({ maxDepth: 2 }, plain, range, tie('list')) as fc.Arbitrary<string>,
  list: fc
    .array(tie('pattern') as fc.Arbitrary<string>, { minLength: 2, maxLength: 3 })
    .map((parts) => `{${parts.join(',')}}`),
})) as { pattern: fc.Arbitrary<string> };

/** Braces that do not pair: bash has its own opinion of each, and nobody writes them. */
const pairs = (text: string) => {
  let depth = 0;
  for (const character of text) {
    depth += character === '{' ? 1 : character === '}' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth === 0;
};

const sizeOf = (text: string) => {
  try {
    return expandBraces(text).length;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};

const bash = spawnSync('bash', ['--version']).status === 0;

test('braces expand as in bash', { skip: bash ? false : 'needs bash' }, () => {
  const patterns = fc
    .sample(pattern, { seed: 3, numRuns: 4_000 })
    .filter((text) => pairs(text) && !/\{[^{}]*\.\.\}|a,b/.test(text))
    .filter((text) => sizeOf(text) <= 200);
  assert.ok(patterns.length > 500, `only ${patterns.length} patterns`);
  const script = patterns.map((text) => `printf '%s\\n' ${text.replaceAll("'", "\\'")} | tr '\\n' ' '; echo`);
  const { stdout } = spawnSync('bash', ['-c', script.join('\n')], { encoding: 'utf8' });
  const expected = stdout.split('\n');
  for (const [i, text] of patterns.entries()) {
    // Empty words do not reach a command.
    const words = expandBraces(text).filter((word) => word !== '');
    assert.equal(words.join(' '), expected[i]?.trim().replace(/ +/g, ' '), text);
  }
});

test('a range keeps its leading zeros, counts down and takes a step', () => {
  assert.deepEqual(expandBraces('t-{008..011}.tar'), ['t-008.tar', 't-009.tar', 't-010.tar', 't-011.tar']);
  assert.deepEqual(expandBraces('{3..1}'), ['3', '2', '1']);
  assert.deepEqual(expandBraces('{00..10..5}'), ['00', '05', '10']);
  assert.deepEqual(expandBraces('{a,b{1..2}}x'), ['ax', 'b1x', 'b2x']);
});

test('a brace without a comma or a range is part of the name', () => {
  assert.deepEqual(expandBraces('{x}-{1..}-{}.tar'), ['{x}-{1..}-{}.tar']);
});

test('patterns joined by :: follow one another', () => {
  assert.deepEqual(expandArchives('/a/{0..1}.tar::/b/x.tar'), ['/a/0.tar', '/a/1.tar', '/b/x.tar']);
});

test('a pattern of more names than any corpus has archives is refused', () => {
  assert.throws(() => expandBraces('{1..99999999999}'), { code: 'bad-pattern' });
  assert.throws(() => expandBraces('{1..9999}{1..9999}'), { code: 'bad-pattern' });
});

test('the root is the folder that all archives lie below', () => {
  assert.equal(archiveRoot('/data/train-{0..3}.tar'), '/data');
  assert.equal(archiveRoot('/data/{a,b}/{0..3}.tar'), '/data');
  assert.equal(archiveRoot('/data/a/{0..3}.tar::/data/ab/x.tar'), '/data');
  assert.equal(archiveRoot('s3://bucket/faces/t-*.tar'), 's3://bucket/faces');
  assert.equal(archiveRoot('s3://bucket/t-{0..1}.tar'), 's3://bucket');
  assert.equal(archiveRoot('/x.tar'), '/');
});
