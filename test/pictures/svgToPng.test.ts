import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { drawCoverage } from '../../src/pictures/coveragePicture.ts';

test('a picture is drawn whatever characters a name holds', async () => {
  for (const name of ['a\x01b', 'a\ud800b', 'a\uffffb', '<&">', 'שרה', 'x'.repeat(5_000)]) {
    const png = await drawCoverage({ title: `subject ${name}`, real: [{ yaw: 0, pitch: 0 }], variants: [] });
    assert.equal((await sharp(png).metadata()).format, 'png', JSON.stringify(name));
  }
});

test('a long name ends before the edge of its picture, and keeps its end', async () => {
  const drawn = (title: string) => drawCoverage({ title, real: [], variants: [] });
  const one = await drawn(`${'W'.repeat(500)}1`);
  assert.ok(!one.equals(await drawn(`${'W'.repeat(500)}2`)));
  const { width } = await sharp(one).metadata();
  const edge = await sharp(one)
    .extract({ left: width - 20, top: 0, width: 20, height: 30 })
    .greyscale()
    .raw()
    .toBuffer();
  assert.ok(edge.every((value) => value === 255));
});
