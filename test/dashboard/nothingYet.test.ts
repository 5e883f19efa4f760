import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nothingYet } from '../../src/dashboard/pages/nothingYet.ts';

test('a section without anything to show says that nothing is committed once all commits have been read', () => {
  assert.match(nothingYet({ reading: true }).markup, /The commits are being read\./);
  assert.match(nothingYet({ reading: false }).markup, /Nothing is committed yet\./);
});
