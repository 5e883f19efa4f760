import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { kdefPhotograph } from '../../../src/evaluate/protocols/kdefCorpus.ts';
import { kdefCorrected } from '../../../src/evaluate/protocols/kdefCorrected.ts';
import {
  type ClassifyRows,
  type FitKdefGenerator,
  jitterLike,
  type KdefFace,
  type KdefPair,
  type KdefScore,
} from '../../../src/evaluate/protocols/kdefFaces.ts';
import { groupPeople } from '../../../src/evaluate/protocols/kdefGroups.ts';
import { kdefAsPublished, publishedPairs } from '../../../src/evaluate/protocols/kdefPublished.ts';
import { centroid, dot, normalizeInPlace } from '../../../src/shared/l2.ts';
import { KDEF_ANGLES, KDEF_EMOTIONS, KDEF_YAW, kdefSubjectOf } from '../../../src/shared/labels/kdefName.ts';
import { randomNormal, seededRandom } from '../../../src/shared/random.ts';
import { openFacePipeline } from '../../../src/worker/facePipeline.ts';
import { resolvePipelineModels } from '../../../src/worker/models/pipelineModels.ts';
import { writeKdefFolder } from '../../helpers/kdefFolder.ts';
import { sharedFile } from '../../helpers/photographs.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';

const DIM = 16;

/** Faces whose embedding is person + angle + noise, as of a recogniser that turns disturb. */
function madeUpFaces(people: number, seed = 1): KdefFace[] {
  const vector = (...words: (string | number)[]) => {
    const random = seededRandom(seed, ...words);
    return Float32Array.from({ length: DIM }, () => randomNormal(random));
  };
  const faces: KdefFace[] = [];
  for (let person = 0; person < people; person++) {
    for (const session of ['A', 'B'] as const) {
      for (const emotion of KDEF_EMOTIONS.slice(0, 2)) {
        for (const angle of KDEF_ANGLES) {
          const labels = { session, gender: 'F', number: person + 1, emotion, angle } as const;
          const who = vector('person', person);
          const turn = vector('angle', angle);
          const noise = vector('noise', person, session, emotion, angle);
          const strength = Math.abs(KDEF_YAW[angle]) / 45;
          const embedding = who.map((value, i) => value + strength * turn[i]! + 0.3 * noise[i]!);
          normalizeInPlace(embedding);
          faces.push({ labels, embedding, postureCode: turn });
        }
      }
    }
  }
  return faces;
}

const nearestClassMean: ClassifyRows = async ({ rows, classes }, test) => {
  const means = [...new Set(classes)].map((name) => ({
    name,
    mean: centroid(rows.filter((_, i) => classes[i] === name)),
  }));
  return test.map((row) => means.reduce((a, b) => (dot(row, b.mean) > dot(row, a.mean) ? b : a)).name);
};

/** Knows by heart what it was shown, and can nothing else. */
const memory: FitKdefGenerator = async (pairs) => {
  const shown = new Map(pairs.map((pair) => [keyOf(pair), pair.output.embedding]));
  return async (wanted) => wanted.map((one) => shown.get(keyOf(one)) ?? one.input.embedding);
};
const keyOf = ({ input, posture }: Pick<KdefPair, 'input' | 'posture'>) =>
  JSON.stringify([input.labels, posture.labels.angle]);

/** Adds the mean step from other angles to the posture's angle. */
const meanOffset: FitKdefGenerator = async (pairs) => {
  const dim = pairs[0]!.input.embedding.length;
  const steps = new Map(
    KDEF_ANGLES.map((angle) => {
      const seen = pairs.filter(
        ({ input, output }) => output.labels.angle === angle && input.labels.angle === 'S',
      );
      const step = new Float32Array(dim);
      for (const { input, output } of seen) {
        for (let i = 0; i < dim; i++) step[i]! += (output.embedding[i]! - input.embedding[i]!) / seen.length;
      }
      return [angle, step];
    }),
  );
  return async (wanted) =>
    wanted.map(({ input, posture }) => {
      const moved = input.embedding.map((value, i) => value + steps.get(posture.labels.angle)![i]!);
      normalizeInPlace(moved);
      return moved;
    });
};

/** Share of right answers, 0–1. */
function accuracy(scores: readonly KdefScore[], task: string, row: string): number {
  const { subjects } = scores.find((score) => score.task === task && score.row === row)!;
  const sum = (count: (subject: KdefScore['subjects'][number]) => number) =>
    subjects.reduce((total, subject) => total + count(subject), 0);
  return sum((subject) => subject.right) / sum((subject) => subject.asked);
}

describe('KDEF protocol', () => {
  it('a generator that only remembers wins as published and gains nothing once put right', async () => {
    const faces = madeUpFaces(12);
    const published = await kdefAsPublished(faces, memory, nearestClassMean, { samples: 1500, seed: 3 });
    const corrected = await kdefCorrected(faces, memory, nearestClassMean, { folds: 3, seed: 3 });
    assert.ok(accuracy(published, 'identity', 'generated') > accuracy(published, 'identity', 'none') + 0.05);
    assert.equal(accuracy(corrected, 'identity', 'generated'), accuracy(corrected, 'identity', 'none'));
  });

  it('a generator that learned how turns move embeddings still helps once put right', async () => {
    const corrected = await kdefCorrected(madeUpFaces(12), meanOffset, nearestClassMean, {
      folds: 3,
      seed: 3,
    });
    assert.ok(accuracy(corrected, 'identity', 'generated') > accuracy(corrected, 'identity', 'none') + 0.1);
    assert.ok(accuracy(corrected, 'identity', 'generated') > accuracy(corrected, 'identity', 'jitter') + 0.1);
  });

  it('as published, the generator is shown the embeddings of the test', async () => {
    const faces = madeUpFaces(4);
    let shown: readonly KdefPair[] = [];
    const spy: FitKdefGenerator = async (pairs) => {
      shown = pairs;
      return memory(pairs);
    };
    const scores = await kdefAsPublished(faces, spy, nearestClassMean, { samples: 400, seed: 1 });
    const tested = new Set(scores.flatMap((score) => score.subjects.map(({ subjectId }) => subjectId)));
    assert.ok(shown.some(({ output }) => tested.has(kdefSubjectOf(output.labels))));
    assert.deepEqual(new Set(scores.map(({ task, row }) => `${task} ${row}`)).size, 9);
  });

  it('a sample keeps sitting, person and emotion, and its output has the angle of the posture', () => {
    for (const { input, posture, output } of publishedPairs(madeUpFaces(3), { samples: 300, seed: 2 })) {
      assert.deepEqual({ ...input.labels, angle: '' }, { ...output.labels, angle: '' });
      assert.equal(output.labels.angle, posture.labels.angle);
      assert.equal(output.labels.emotion, posture.labels.emotion);
    }
  });

  it('samples are at most as many as were asked for', () => {
    for (const samples of [1, 50, 299, 300]) {
      assert.equal(publishedPairs(madeUpFaces(3), { samples, seed: 2 }).length, samples);
    }
  });

  it('put right, no person is in two groups and both sittings of a person stay together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 20 }), fc.nat(), (people, seed) => {
        const tested: string[] = [];
        for (const groups of groupPeople(madeUpFaces(people), { folds: 2, seed })) {
          const of = (faces: readonly KdefFace[]) => [
            ...new Set(faces.map(({ labels }) => kdefSubjectOf(labels))),
          ];
          const all = [...of(groups.test), ...of(groups.generator), ...of(groups.classifier)];
          assert.equal(new Set(all).size, people);
          assert.equal(all.length, people);
          tested.push(...of(groups.test));
        }
        assert.equal(new Set(tested).size, people);
        assert.equal(tested.length, people);
      }),
      { numRuns: 30 },
    );
  });

  it('put right, the generator never sees a person who is asked about', async () => {
    const shownBy: Set<string>[] = [];
    const spy: FitKdefGenerator = async (pairs) => {
      shownBy.push(new Set(pairs.flatMap((pair) => [pair.input, pair.output, pair.posture]).map(subjectOf)));
      const generate = await meanOffset(pairs);
      return (wanted) => {
        const shown = shownBy.at(-1)!;
        for (const { input, posture } of wanted) {
          assert.ok(!shown.has(subjectOf(input)));
          assert.ok(shown.has(subjectOf(posture)));
        }
        return generate(wanted);
      };
    };
    await kdefCorrected(madeUpFaces(9), spy, nearestClassMean, { folds: 3, seed: 5 });
    assert.equal(shownBy.length, 3);
  });

  it('jitter is as far from its source as the variant is', () => {
    const faces = madeUpFaces(4);
    const sources = faces.slice(0, 20).map(({ embedding }) => embedding);
    const variants = faces.slice(20, 40).map(({ embedding }) => embedding);
    jitterLike(seededRandom(1), sources, variants).forEach((noisy, i) => {
      assert.ok(Math.abs(dot(noisy, sources[i]!) - dot(variants[i]!, sources[i]!)) < 1e-5);
      assert.ok(Math.abs(dot(noisy, noisy) - 1) < 1e-5);
    });
  });

  it('too few people is an error that says how many there are', async () => {
    await assert.rejects(kdefCorrected(madeUpFaces(3), memory, nearestClassMean, { folds: 3, seed: 1 }), {
      name: 'ConfigError',
      code: 'too-few-kdef-people',
      message: /people=3, folds=3/,
    });
  });

  const london = sharedFile('data/london');
  it('runs from file names to scores on a made-up folder with KDEF names', {
    skip: london.skip,
  }, async () => {
    await withTempFolder(async (root) => {
      const written = await writeKdefFolder(root, london.path, 4);
      writeFileSync(join(root, 'AF01', 'AF31V.JPG'), 'not an image, and not a name of the set');
      const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
        path.endsWith('.JPG'),
      );
      const outcomes = found.map((uri) =>
        kdefPhotograph({ faceId: uri, subjectId: uri.slice(0, 4), uri, bytes: 0 }),
      );
      const photographs = outcomes.flatMap((one) => (one.status === 'ok' ? [one.photograph] : []));
      assert.equal(photographs.length, written.length);
      assert.equal(outcomes.length - photographs.length, 1);

      const { models } = await resolvePipelineModels({ detector: 'fr-detect', recognizer: 'fr-feature' });
      const pipeline = await openFacePipeline({ models, aligned: false, device: 'cpu', intraOpThreads: 1 });
      const processed = await pipeline.process(
        photographs.map(({ record }) => ({
          faceId: record.faceId,
          bytes: readFileSync(join(root, record.uri)),
        })),
      );
      await pipeline.close();
      const faces = processed.flatMap((outcome, i): KdefFace[] => {
        if (outcome.status !== 'ok') return [];
        const { embedding } = outcome.face;
        return [{ labels: photographs[i]!.labels, embedding, postureCode: new Float32Array(512) }];
      });
      assert.ok(faces.length > 0.8 * written.length, `${faces.length} of ${written.length} faces`);

      const published = await kdefAsPublished(faces, memory, nearestClassMean, { samples: 500, seed: 1 });
      const corrected = await kdefCorrected(faces, meanOffset, nearestClassMean, { folds: 2, seed: 1 });
      assert.ok(accuracy(published, 'identity', 'generated') >= accuracy(published, 'identity', 'none'));
      const people = corrected
        .find(({ task }) => task === 'identity')!
        .subjects.map(({ subjectId }) => subjectId);
      assert.deepEqual(people.sort(), ['F01', 'F02', 'M01', 'M02']);
    });
  });
});

function subjectOf(face: KdefFace): string {
  return kdefSubjectOf(face.labels);
}
