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
