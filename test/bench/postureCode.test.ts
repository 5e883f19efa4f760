import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import { findPeople, findPeopleWhitened } from '../../bench/postureCode/identityRetrieval.ts';
import { type Claim, openJudges } from '../../bench/postureCode/keptByVariants.ts';
import { dealPeople, fitProbe } from '../../bench/postureCode/linearProbe.ts';
import {
  ANSWER_MEASURES,
  type Answer,
  answerTally,
  READING_MEASURES,
  type Reading,
  readingTally,
  tally,
} from '../../bench/postureCode/personTally.ts';
import { expressionOf, FEATURES, type PostureFace } from '../../bench/postureCode/postureFace.ts';
import { readExpressions, readPoses } from '../../bench/postureCode/readings.ts';
import { drawPeople, interval } from '../../src/evaluate/bootstrap.ts';
import { openBackend } from '../../src/fra/backend.ts';
import { normalizeInPlace } from '../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

before(() => openBackend('cpu', 1));

const PEOPLE = 20;
const DIM = 24;

/**
 * Everybody neutral and smiling, as a photograph and at four poses. The code is posture alone; the embedding is who it
 * is, with a little of yaw and smile; the landmarks are both side by side.
 */
function madeUpFaces(): PostureFace[] {
  return Array.from({ length: PEOPLE }, (_, person) => {
    const random = seededRandom(1, person);
    const vector = (spread: number) =>
      Float32Array.from({ length: DIM }, () => spread * randomNormal(random));
    const identity = vector(1);
    return (['neutral', 'smile'] as const).flatMap((expression) =>
      [0, -40, -15, 20, 50].map((yaw, k): PostureFace => {
        const smile = expression === 'smile' ? 1 : -1;
        const pitch = 10 * randomNormal(random);
        const posture = [yaw / 40, Math.abs(yaw) / 40, pitch / 10, smile];
        const code = vector(0.01).map((value, i) => value + (posture[i] ?? 0));
        const embedding = turned(identity, yaw, smile);
        return {
          subjectId: `p${person}`,
          origin: [],
          faceId: `p${person}/${expression}.jpg`,
          gridIndex: k - 1,
          pose: { yaw, pitch, roll: 0 },
          landmarks: Float32Array.from([...code, ...identity]),
          ...{ embedding, code, expression },
        };
      }),
    );
  }).flat();
}

/** The embedding of somebody at a yaw, smiling (1) or not (−1). */
function turned(identity: Float32Array, yaw: number, smile: number): Float32Array {
  const embedding = identity.map((value, i) => (i === 0 ? yaw / 20 : i === 1 ? 2 * smile : value));
  normalizeInPlace(embedding);
  return embedding;
}

const drawsOf = (people: number) => drawPeople(people, 200, 1);

function measure(readings: readonly Reading[], name: keyof typeof READING_MEASURES): number {
  return tally(readings.map(readingTally), READING_MEASURES[name], drawsOf).value;
}

function share(answers: readonly Answer[], name: keyof typeof ANSWER_MEASURES = 'share'): number {
  return tally(answers.map(answerTally), ANSWER_MEASURES[name], drawsOf).value;
}

test('the expression is what the name of a London photograph says, and nothing where it says nothing', () => {
  assert.equal(expressionOf('013/neutral.jpg'), 'neutral');
  assert.equal(expressionOf('smiling people/013_Smiling.jpg'), 'smile');
  assert.equal(expressionOf('smile/7.jpg'), undefined);
});

test('people are dealt to groups of the same size within one, whole, and the same ones for the same seed', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 7 }), fc.nat(), (people, folds, seed) => {
      const dealt = dealPeople(people, folds, seed);
      assert.equal(dealt.size, new Set(people).size);
      const sizes = Array.from(
        { length: folds },
        (_, fold) => [...dealt.values()].filter((of) => of === fold).length,
      );
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      assert.deepEqual(dealt, dealPeople([...people].reverse(), folds, seed));
    }),
  );
});

test('a probe finds a linear rule, and reads nothing but the mean off a vector without any', () => {
  const rows = Array.from({ length: 200 }, (_, i) => {
    const random = seededRandom(5, i);
    const input = Float32Array.from({ length: 6 }, () => randomNormal(random));
    const outputs = [3 * input[0]! - 100 * input[4]! + 7, 20 + randomNormal(random)];
    return { subjectId: `p${i % 25}`, input, outputs, weight: 1 };
  });
  const probe = fitProbe(rows, 1);
  for (const { input, outputs } of rows) {
    const [linear, nothing] = probe(input);
    assert.ok(Math.abs(linear! - outputs[0]!) < 0.5, `${linear} ${outputs[0]}`);
    assert.ok(Math.abs(nothing! - 20) < 0.7, String(nothing));
  }
});

test('reading measures: R² is 1 for the truth and 0 for its mean; correlation knows no scale', () => {
  const truths = Array.from({ length: 40 }, (_, i) => ({ subjectId: `p${i % 8}`, truth: i - 3 }));
  const readAs = (read: (truth: number) => number) =>
    truths.map(({ subjectId, truth }) => ({ subjectId, truth, read: read(truth) }));
  assert.equal(
    measure(
      readAs((truth) => truth),
      'rSquared',
    ),
    1,
  );
  assert.ok(
    Math.abs(
      measure(
        readAs(() => 16.5),
        'rSquared',
      ),
    ) < 1e-9,
  );
  assert.ok(
    Math.abs(
      measure(
        readAs((truth) => 5 - 3 * truth),
        'correlation',
      ) + 1,
    ) < 1e-9,
  );
  assert.equal(
    measure(
      readAs((truth) => truth + 2),
      'meanAbsoluteError',
    ),
    2,
  );
});

test('balanced accuracy is one half for an answer that is always the same, however common it is', () => {
  const answers = Array.from({ length: 30 }, (_, i) => ({
    ...{ subjectId: `p${i % 6}`, positive: i % 5 > 0, right: i % 5 > 0 },
  }));
  assert.equal(share(answers, 'balancedAccuracy'), 0.5);
  assert.equal(share(answers), 0.8);
});

test('people are drawn, not faces: a measurement that differs between people only is as unsure with many faces each', () => {
  const width = (facesEach: number) => {
    const answers = Array.from({ length: 16 * facesEach }, (_, i) => ({
      ...{ subjectId: `p${i % 16}`, positive: true, right: i % 16 < 8 },
    }));
    const { low, high } = interval(tally(answers.map(answerTally), ANSWER_MEASURES.share, drawsOf))!;
    return high - low;
  };
  assert.ok(width(1) > 0.3);
  assert.ok(Math.abs(width(20) - width(1)) < 1e-9);
});

test('pose is read where it is, from other people, and not off the wrong person’s posture', () => {
  const faces = madeUpFaces();
  const { yaw, turn, pitch } = readPoses(faces, 'code', 1);
  for (const readings of [yaw, turn, pitch]) assert.ok(measure(readings, 'rSquared') > 0.98);
  const shuffled = faces.map((face, i) => ({ ...face, code: faces[(i * 37 + 11) % faces.length]!.code }));
  assert.ok(measure(readPoses(shuffled, 'code', 1).pitch, 'rSquared') < 0.2);
});

test('expression is read off the code; labels dealt out anew are not', () => {
  const faces = madeUpFaces();
  assert.ok(share(readExpressions(faces, 'code', 1), 'balancedAccuracy') > 0.98);
  const random = seededRandom(2);
  const anew = faces.map((face) => ({
    ...face,
    expression: random() < 0.5 ? ('smile' as const) : ('neutral' as const),
  }));
  const [low, high] = [0.35, 0.65];
  const read = share(readExpressions(anew, 'code', 1), 'balancedAccuracy');
  assert.ok(read > low && read < high, String(read));
});

test('people are found by their embedding and not by a code of posture alone; guessing finds one of all', () => {
  const faces = madeUpFaces();
  for (const name of ['other photograph', 'other photograph, same pose', 'other pose'] as const) {
    const [byEmbedding, byCode] = (['embedding', 'code'] as const).map((feature) =>
      findPeople(faces, name, FEATURES[feature]),
    );
    assert.ok(share(byCode!.answers) < 0.25, `${name} ${share(byCode!.answers)}`);
    assert.ok(share(byEmbedding!.answers) > share(byCode!.answers) + 0.3, name);
    assert.ok(Math.abs(byCode!.chance - 1 / PEOPLE) < 1e-9);
  }
});

test('whitening finds the identity that changes of posture hide', () => {
  const faces = madeUpFaces().map((face) => ({
    ...face,
    landmarks: face.landmarks.map((value, i) => (i < DIM ? 10 * value : 0.3 * value)),
  }));
  const plain = share(findPeople(faces, 'other pose', FEATURES.landmarks).answers);
  const [whitened] = findPeopleWhitened(faces, ['other pose'], 'landmarks', 1);
  assert.ok(share(whitened!.answers) > plain + 0.4, `${plain} ${share(whitened!.answers)}`);
});

test('variants that keep person, expression and pose are told from unchanged, mixed-up and expressionless ones', () => {
  const faces = madeUpFaces();
  const isJudged = ({ subjectId }: PostureFace) => Number(subjectId.slice(1)) < 6;
  const judges = openJudges(
    faces.filter((face) => !isJudged(face)),
    faces.filter(({ gridIndex }) => gridIndex === -1),
    1,
  );
  const renders = faces.filter((face) => isJudged(face) && face.gridIndex >= 0);
  assert.ok(share(judges.identity(renders)) > 0.7);
  assert.ok(share(judges.expression(renders), 'balancedAccuracy') > 0.9);
  assert.ok(measure(judges.pose(renders, 'yaw'), 'correlation') > 0.9);

  const photographOf = ({ faceId }: Claim) =>
    faces.find((face) => face.gridIndex === -1 && face.faceId === faceId)!.embedding;
  const unchanged = renders.map((claim) => ({ ...claim, embedding: photographOf(claim) }));
  assert.ok(Math.abs(measure(judges.pose(unchanged, 'yaw'), 'correlation')) < 0.2);
  const somebodyElse = renders.map((claim, i) => ({
    ...claim,
    embedding: renders[(i + renders.length / 2) % renders.length]!.embedding,
  }));
  assert.ok(share(judges.identity(somebodyElse)) < 0.1);
  const neutral = renders.map((claim) => ({
    ...claim,
    embedding: renders.find(
      ({ subjectId, expression, pose }) =>
        subjectId === claim.subjectId && expression === 'neutral' && pose.yaw === claim.pose.yaw,
    )!.embedding,
  }));
  assert.ok(Math.abs(share(judges.expression(neutral), 'balancedAccuracy') - 0.5) < 0.1);
});

test('a person’s own photograph does not vouch for its variant, and who has no other is not asked about', () => {
  const faces = madeUpFaces();
  const photographs = faces.filter(({ gridIndex }) => gridIndex === -1);
  const teachers = faces.filter(({ subjectId }) => Number(subjectId.slice(1)) >= 6);
  const [claim] = faces;
  // The other photograph of this person shows somebody else.
  const swapped = photographs.map((face) =>
    face.subjectId === claim!.subjectId && face.faceId !== claim!.faceId
      ? { ...face, embedding: face.embedding.map((value) => -value) }
      : face,
  );
  assert.equal(share(openJudges(teachers, swapped, 1).identity([claim!])), 0);
  const alone = photographs.filter(
    ({ subjectId, faceId }) => subjectId !== claim!.subjectId || faceId === claim!.faceId,
  );
  assert.deepEqual(openJudges(teachers, alone, 1).identity([claim!]), []);
});
