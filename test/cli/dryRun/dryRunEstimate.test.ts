/** What a dry run says of a run's size without having measured anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assumedProbe } from '../../../src/cli/dryRun/dryRunEstimate.ts';
import { type RunConfigInput, runConfigSchema } from '../../../src/shared/config.ts';

const CORPUS: RunConfigInput = { corpus: '/faces', corpusFormat: 'folder', imageRoot: '/faces' };

/** Bytes of a row of 512 values, every fourth row a real one. */
function bytesPerRow(options: Partial<RunConfigInput>): number {
  const config = runConfigSchema.parse({ ...CORPUS, ...options });
  return assumedProbe(config, 512, 50, 0.25).bytesPerRow;
}

test('a stated rate takes rows for as large as their vectors: posture codes in all, landmarks in real ones', () => {
  const plain = bytesPerRow({});
  assert.equal(bytesPerRow({ embeddingType: 'float16' }), plain - 1024);
  assert.equal(bytesPerRow({ withPostureCode: true }), plain + 2048);
  assert.equal(bytesPerRow({ withLandmarks: true }), plain + 136);
  // Arrow keeps the room of what is null.
  assert.equal(bytesPerRow({ withLandmarks: true, format: 'arrow' }), plain + 544);
});
