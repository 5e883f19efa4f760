/** Which looks a picture gets, with a detector that answers as it is told: looks are what detection costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Detection, Detector, View } from '../../../src/worker/models/detector.ts';
import type { Raster } from '../../../src/worker/models/raster.ts';
import { type ChosenFace, detectFaces } from '../../../src/worker/stages/detect.ts';

const SIDE = 200;
const picture: Raster = { width: SIDE, height: SIDE, data: new Uint8Array(3 * SIDE * SIDE) };

type Answer = (view: View, nth: number) => Detection[];

/** `asked` fills with one word a view: glance or detect, whole or margin. */
function detectorThat(answers: { glance?: Answer; detect: Answer }, asked: string[]): Detector {
  const by = (name: string, answer: Answer) => async (views: readonly View[]) =>
    views.map((view, nth) => {
      asked.push(`${name} ${view.region.x < 0 ? 'margin' : 'whole'}`);
      return answer(view, nth);
    });
  return {
    detect: by('detect', answers.detect),
    ...(answers.glance && { glance: by('glance', answers.glance) }),
    close: async () => {},
  };
}

const face = (side: number, score = 0.999, shift = 0): Detection => ({
  box: { x: (SIDE - side) / 2 + shift, y: (SIDE - side) / 2, width: side, height: side },
  score,
});
/** What the whole picture shows, and what every look with a margin. */
const wholeThen =
  (seen: Detection[], withMargin: Detection[]): Answer =>
  ({ region }) =>
    region.x < 0 ? withMargin : seen;
const never: Answer = () => assert.fail('asked');
const times = (count: number, what: string) => Array.from({ length: count }, () => what);

async function chosen(detector: Detector): Promise<ChosenFace> {
  const [result] = await detectFaces(detector, [picture]);
  assert.ok(result !== undefined && 'region' in result, JSON.stringify(result));
  return result;
}

test('a face with room around it that a glance sees surely costs a glance', async () => {
  const asked: string[] = [];
  const { region } = await chosen(detectorThat({ glance: () => [face(80)], detect: never }, asked));
  assert.deepEqual(asked, ['glance whole']);
  assert.equal(region.width, 80);
});

test('a face that fills its picture costs six glances where all with margins see it at one place', async () => {
  const asked: string[] = [];
  // The whole picture shows half of the face; the margins show all of it, a little to the left or to the right.
  const glance: Answer = ({ region }, nth) => (region.x < 0 ? [face(180, 0.99, nth - 2)] : [face(130)]);
  const { region } = await chosen(detectorThat({ glance, detect: never }, asked));
  assert.deepEqual(asked, ['glance whole', ...times(5, 'glance margin')]);
  assert.equal(Math.round(region.width), 180);
  assert.ok(Math.abs(region.x - (SIDE - 180) / 2) < 1e-9);
});

for (const [why, odd] of [
  ['sees it unsurely', () => [face(180, 0.9)]],
  ['sees it elsewhere', () => [face(180, 0.999, 40)]],
  ['sees none', () => []],
  ['sees another one as well', () => [face(180), face(20, 0.999, 80)]],
] as const) {
  test(`where one of the glances with margins ${why}, full resolution decides`, async () => {
    const asked: string[] = [];
    const glance: Answer = ({ region }, nth) =>
      region.x >= 0 ? [face(130)] : nth === 3 ? odd() : [face(180)];
    const { region } = await chosen(detectorThat({ glance, detect: () => [face(170)] }, asked));
    assert.deepEqual(asked, ['glance whole', ...times(5, 'glance margin'), ...times(5, 'detect margin')]);
    assert.equal(Math.round(region.width), 170);
  });
}

test('a picture in which a glance finds nothing is looked at in full before margins are tried', async () => {
  const asked: string[] = [];
  await chosen(detectorThat({ glance: () => [], detect: () => [face(40)] }, asked));
  assert.deepEqual(asked, ['glance whole', 'detect whole']);
});

test('a detector of one resolution looks at the whole picture, then with margins', async () => {
  const asked: string[] = [];
  await chosen(detectorThat({ detect: () => [face(150)] }, asked));
  assert.deepEqual(asked, ['detect whole', ...times(5, 'detect margin')]);
});

/** Cut off by the right edge, larger than most and far from the middle. */
const atEdge: Detection = { box: { x: 150, y: 60, width: 80, height: 80 }, score: 0.999 };

test('a glance is not enough where a face too small for it would be chosen', async () => {
  const asked: string[] = [];
  const aside = face(60, 0.999, 60);
  const { region, facesFound } = await chosen(
    detectorThat({ glance: () => [aside], detect: () => [aside, face(30)] }, asked),
  );
  assert.deepEqual(asked, ['glance whole', 'detect whole']);
  assert.deepEqual([region.width, facesFound], [30, 2]);
});

for (const [look, answers] of [
  ['glances', { glance: wholeThen([face(60), atEdge], [atEdge]), detect: never }],
  ['looks in full', { detect: wholeThen([face(60), atEdge], [atEdge]) }],
] as const) {
  test(`a face seen surely stays where ${look} with margins see only the doubtful one beside it`, async () => {
    const { region, facesFound } = await chosen(detectorThat(answers, []));
    assert.deepEqual([region.width, facesFound], [60, 2]);
  });
}

for (const [look, answers] of [
  ['glances', { glance: wholeThen([face(40), face(130)], [face(180)]), detect: never }],
  ['looks in full', { detect: wholeThen([face(40), face(130)], [face(180), face(40)]) }],
] as const) {
  test(`a face that fills the frame is used though ${look} see a small one inside it surely, and both are counted`, async () => {
    const { region, facesFound } = await chosen(detectorThat(answers, []));
    assert.deepEqual([Math.round(region.width), facesFound], [180, 2]);
  });
}

test('a face seen surely is counted once and keeps its box and score, whatever looks with margins make of it', async () => {
  const doubtful = face(60, 0.9, 60);
  const detect = wholeThen([face(60), doubtful], [face(70, 0.7), face(20, 0.7, 15), doubtful]);
  const { region, score, facesFound } = await chosen(detectorThat({ detect }, []));
  assert.deepEqual([region.width, score, facesFound], [60, 0.999, 2]);
});

test('pictures of one batch get their own looks and keep their order', async () => {
  const asked: string[] = [];
  const small: Raster = { width: 100, height: 100, data: new Uint8Array(3 * 100 * 100) };
  const glance: Answer = ({ picture: of, region }) =>
    of === small
      ? [{ box: { x: 30, y: 30, width: 40, height: 40 }, score: 0.999 }]
      : [face(region.x < 0 ? 180 : 130)];
  const detector = detectorThat({ glance, detect: never }, asked);
  const results = await detectFaces(detector, [picture, small, picture]);
  assert.deepEqual(
    results.map((result) => ('region' in result ? Math.round(result.region.width) : result.code)),
    [180, 40, 180],
  );
  assert.deepEqual(asked, [...times(3, 'glance whole'), ...times(10, 'glance margin')]);
});
