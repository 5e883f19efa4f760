import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FraMetrics } from '../../src/fra/modelCard.ts';
import { limitsOf } from '../../src/training/limits.ts';
import type { GeneratorRequest } from '../../src/training/trainConfig.ts';

const METRICS = {
  similarityToTarget: 0.7,
  sourceSimilarityToTarget: 0.6,
  meanOffsetSimilarityToTarget: 0.65,
} as FraMetrics['combiner'];

function limits(kind: GeneratorRequest['kind'], renders: boolean): string {
  return limitsOf({ training: ['a', 'b'], validation: ['c'] }, METRICS, kind, renders).join(' ');
}

test('the card of a training without renders says nothing of renders', () => {
  assert.match(limits('vit', true), /Target poses are renders.*nearer to the rendered target/);
  assert.doesNotMatch(limits('vit', false), /render/);
  assert.match(limits('vit', false), /nearer to the photographed target/);
});

test('only a generator that was learnt in steps has a step that validation people chose', () => {
  assert.match(limits('vit', true), /same corpus, who also chose the step to keep\./);
  assert.match(limits('residual-mlp', true), /the step to keep/);
  assert.match(limits('ridge', true), /same corpus, who also chose the penalty\./);
  assert.match(limits('mixture', true), /same corpus, who also chose the shares of its parts\./);
  assert.match(limits('mean-offset', true), /same corpus\. /);
});
