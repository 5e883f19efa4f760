import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBackend } from '../../src/fra/backend.ts';
import type { PairSample } from '../../src/fra/training/pairs.ts';
import { judgeRetrieval, makeRetrievalTasks, retrievalQuestions } from '../../src/fra/training/retrieval.ts';
import { normalizeInPlace } from '../../src/shared/l2.ts';
import { randomNormal, seededRandom } from '../../src/shared/random.ts';

await openBackend('cpu', 1);

const DIM = 24;
const YAWS = [-45, -30, 0, 30, 45];

function unit(...words: (string | number)[]): Float32Array {
  const random = seededRandom(1, ...words);
  const vector = Float32Array.from({ length: DIM }, () => randomNormal(random));
  normalizeInPlace(vector);
  return vector;
}

/** The person's direction, moved by the pose's: turning changes everybody alike. */
function turned(person: string, yaw: number): Float32Array {
  const move = unit('pose', yaw);
  const vector = unit('person', person).map((value, i) => value + (yaw === 0 ? 0 : 0.8 * move[i]!));
  normalizeInPlace(vector);
  return vector;
}

function samplesOf(person: string): PairSample[] {
  return YAWS.map((yaw, gridIndex) => ({
    subjectId: person,
    faceId: `${person}/photograph`,
    gridIndex: yaw === 0 ? -1 : gridIndex,
    yaw,
    pitch: 0,
    embedding: turned(person, yaw),
    code: Float32Array.of(yaw),
  }));
}

const training = ['a', 'b', 'c', 'd', 'e'].flatMap(samplesOf);
const validation = ['x', 'y', 'z'].flatMap(samplesOf);
const tasks = makeRetrievalTasks(training, validation, 0);

test('tasks ask about every turned pose, of validation people, with postures of training people', () => {
  assert.deepEqual(
    tasks.map(({ donor }) => donor.yaw).sort((a, b) => a - b),
    [-45, -30, 30, 45],
  );
  for (const { donor, gallery, queries } of tasks) {
    assert.ok('abcde'.includes(donor.subjectId));
    assert.equal(gallery.length, 8);
    assert.ok(gallery.every(({ yaw }) => yaw === 0));
    assert.deepEqual(queries.map(({ target }) => target.subjectId).sort(), ['x', 'y', 'z']);
    for (const { target, person } of queries) {
      assert.equal(gallery[person]!.subjectId, target.subjectId);
      assert.equal(target.yaw, donor.yaw);
    }
  }
});

/** What a perfect generator answers. */
const perfect = tasks.flatMap(({ donor, gallery }) =>
  gallery.map(({ subjectId }) => turned(subjectId, donor.yaw)),
);

test('a perfect generator finds everybody; no change, or the change of another pose, is worse', () => {
  const best = judgeRetrieval(tasks, perfect);
  assert.equal(best.rank1, 1);
  assert.equal(best.queries, 12);
  const unchanged = judgeRetrieval(
    tasks,
    retrievalQuestions(tasks).map(({ identity }) => identity),
  );
  assert.ok(best.loss < 0.8 * unchanged.loss, `${best.loss} against ${unchanged.loss}`);
  const people = tasks[0]!.gallery.length;
  const wrongPose = perfect.map((_, i) => perfect[(i + 2 * people) % perfect.length]!);
  assert.ok(judgeRetrieval(tasks, perfect, wrongPose).loss > best.loss);
});

test('a generator that answers everybody alike finds nobody', () => {
  const { rank1 } = judgeRetrieval(
    tasks,
    perfect.map(() => unit('anybody')),
  );
  assert.equal(rank1, 0);
});

test('answers that belong to other people are not found', () => {
  const others = tasks.flatMap(({ donor, gallery }) =>
    gallery.map((_, i) => turned(gallery[(i + 1) % gallery.length]!.subjectId, donor.yaw)),
  );
  const found = judgeRetrieval(tasks, others);
  assert.equal(found.rank1, 0);
  assert.deepEqual(found.byPerson, [0, 0, 0]);
});
