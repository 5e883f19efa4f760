/**
 * Each network of the default chain as the product runs it, pixels made ready before, against ONNX Runtime alone on the
 * same graph: one thread, its fastest settings, the best of several batches.
 */
import { ensureModels } from '../../src/models/pull.ts';
import { openSession } from '../../src/worker/models/session.ts';
import { isQuick, printReport, type Round, ratioRow, say } from './report.ts';
import { ratePerSecond } from './shared/measure.ts';
import { noiseTensor, openPlain } from './shared/plainRuntime.ts';

const SECONDS = isQuick() ? 0.05 : 2;
const ROUNDS = isQuick() ? 1 : 3;

/** Batches of the product (its sources say the same), and those that plain ONNX Runtime may choose from. */
const NETWORKS = [
  { name: 'fr-detect', item: [3, 240, 320], own: 1, others: [1, 2, 4, 8] },
  { name: 'fr-landmark', item: [1, 64, 64], own: 5, others: [5, 10, 20, 40] },
  { name: 'fr-pose', item: [3, 224, 224], own: 1, others: [1, 2, 4, 8] },
  { name: 'fr-feature', item: [3, 112, 112], own: 1, others: [1, 4, 8, 16] },
  { name: 'mobilefacenet-192', item: [3, 112, 112], own: 1, others: [1, 4, 8, 16] },
] as const;

const models = await ensureModels(NETWORKS.map(({ name }) => name));
const rows = [];
for (const [i, { name, item, own, others }] of NETWORKS.entries()) {
  say(name);
  const path = Object.values(models[i]!.files)[0]!;
  const ours = await openSession(path, { device: 'cpu', intraOpThreads: 1 });
  const plain = await openPlain(path);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { data } = noiseTensor([own, ...item]);
    let value = 0;
    let limit = 0;
    // By turns, and the best of as many tries for both: a machine that others use would otherwise favour the one with
    // more.
    for (const batch of others) {
      const seconds = SECONDS / others.length;
      const feeds = { [ours.inputName]: noiseTensor([batch, ...item]) };
      value = Math.max(
        value,
        await ratePerSecond(own, seconds, () => ours.run(data as Float32Array, [own, ...item])),
      );
      limit = Math.max(limit, await ratePerSecond(batch, seconds, () => plain.run(feeds)));
    }
    rounds.push({ value, limit });
  }
  await ours.close();
  await plain.close();
  const limitOf = 'plain ONNX Runtime, best batch';
  rows.push(ratioRow({ what: name, unit: 'pictures/s', limitOf, target: 0.95, atLeast: true }, rounds));
}
printReport({ bench: 'networks', rows, skipped: [] });
