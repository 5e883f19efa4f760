/** The thread in which stages are measured: set up as model threads are. */
import { serveThread } from '../../shared/threads/serveThread.ts';
import { type MeasureOptions, measureStages } from './measureStages.ts';

await serveThread(async () => async (options: MeasureOptions) => ({
  response: await measureStages(options),
}));
