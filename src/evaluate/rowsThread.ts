/** A thread of an evaluation: rows, curves and examples of any recogniser, one request at a time. */
import { openBackend } from '../fra/backend.ts';
import { createReleasers } from '../shared/async/releasers.ts';
import { serveThread } from '../shared/threads/serveThread.ts';
import { type CurveRequest, measureCurve } from './curves.ts';
import { type ExampleProbe, exampleProbes } from './examples.ts';
import { measureMethod, type RowMeasurement } from './measureMethod.ts';
import { openContext, type RecognizerContext, type RecognizerJob } from './recognizerJob.ts';
import type { Curve } from './result.ts';
import type { EvaluationSettings } from './settings.ts';

export interface RowsThreadInit {
  readonly jobs: readonly RecognizerJob[];
  readonly settings: EvaluationSettings;
}

export type RowsRequest = { readonly recognizer: string } & (
  | { readonly kind: 'row'; readonly row: number }
  | { readonly kind: 'curve'; readonly curve: CurveRequest }
  | { readonly kind: 'examples'; readonly rowId: string }
);

export type RowsResponse =
  | { readonly kind: 'row'; readonly measurement: RowMeasurement }
  | { readonly kind: 'curve'; readonly curve: Curve }
  | { readonly kind: 'examples'; readonly probes: readonly ExampleProbe[] };

await serveThread<RowsThreadInit, RowsRequest, RowsResponse>(async ({ jobs, settings }) => {
  await openBackend('cpu', 1);
  const releasers = createReleasers();
  const contexts = new Map<string, Promise<RecognizerContext>>();
  const contextOf = (recognizer: string) => {
    const known =
      contexts.get(recognizer) ??
      openContext(jobs.find(({ name }) => name === recognizer)!, settings, releasers);
    contexts.set(recognizer, known);
    return known;
  };
  return async (request) => {
    const context = await contextOf(request.recognizer);
    const { methods, plan, draws } = context;
    switch (request.kind) {
      case 'row': {
        const measurement = await measureMethod(methods[request.row]!, plan, draws);
        return { response: { kind: 'row', measurement } };
      }
      case 'curve':
        return { response: { kind: 'curve', curve: await measureCurve(context, request.curve) } };
      case 'examples': {
        const judged = methods.find(({ id }) => id === request.rowId)!;
        return { response: { kind: 'examples', probes: await exampleProbes(plan, methods[0]!, judged) } };
      }
    }
  };
});
