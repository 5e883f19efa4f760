import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeModel, valueShape } from '../../../src/models/onnx.ts';
import { ensureModels } from '../../../src/models/pull.ts';
import { packageRoot } from '../../../src/shared/package.ts';
import { overlap } from '../../../src/worker/models/detector.ts';
import { openFrDetector } from '../../../src/worker/models/frDetect.ts';
import { anchorsOf, detectorOfSize } from '../../../src/worker/models/frDetectSize.ts';
import { decodeImage } from '../../../src/worker/stages/decode.ts';

async function published(): Promise<string> {
  const [model] = await ensureModels(['fr-detect']);
  return Object.values(model!.files)[0]!;
}

test('the anchors of the published size are those in the published file', async () => {
  const file = await readFile(await published());
  const same = detectorOfSize(file, { width: 320, height: 240 });
  assert.deepEqual(
    decodeModel(same).graph.node.map(({ opType }) => opType),
    decodeModel(file).graph.node.map(({ opType }) => opType),
  );
  assert.equal(anchorsOf({ width: 320, height: 240 }).middles.length / 2, 4420);
});

test('a detector of another size has its input and as many answers as anchors', async () => {
  const { graph } = decodeModel(
    detectorOfSize(await readFile(await published()), { width: 160, height: 128 }),
  );
  assert.deepEqual(valueShape(graph.input[0]!), ['N', 3, 128, 160]);
  assert.deepEqual(
    graph.output.map((output) => valueShape(output)?.[1]),
    [1178, 1178],
  );
});

test('a file with other anchors is refused', async () => {
  const other = detectorOfSize(await readFile(await published()), { width: 160, height: 128 });
  assert.throws(() => detectorOfSize(other, { width: 320, height: 240 }), /other anchors/);
});

test('a glance finds the faces of photographs where the full look finds them', async () => {
  const detector = await openFrDetector(await published(), { device: 'cpu', intraOpThreads: 1 });
  for (const person of ['001', '003', '005']) {
    const folder = join(packageRoot, 'samples', 'london', person);
    const picture = await decodeImage(await readFile(join(folder, 'neutral.jpg')));
    assert.ok(!('code' in picture));
    const views = [{ picture, region: { x: 0, y: 0, width: picture.width, height: picture.height } }];
    const [full] = await detector.detect(views);
    const [glanced] = await detector.glance!(views);
    assert.equal(glanced!.length, 1);
    assert.ok(overlap(full![0]!.box, glanced![0]!.box) > 0.7);
    assert.ok(glanced![0]!.score > 0.98);
  }
  await detector.close();
});
