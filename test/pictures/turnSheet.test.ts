import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { MOST_ROWS, openTurnSheet } from '../../src/pictures/turnSheet.ts';

test('a sheet can be drawn with as many rows as it says, and not with one more', async () => {
  const sheet = openTurnSheet();
  const add = (title: string) => sheet.add(title, [{ picture: undefined, usable: true }]);
  for (let row = 0; row < MOST_ROWS; row++) await add(`${row}`);
  const { format } = await sharp(await sheet.draw(['photograph'])).metadata();
  assert.equal(format, 'png');
  await add('one more');
  await assert.rejects(sheet.draw(['photograph']), /pixel limit/);
});
