/** Every row of the table, in its order. To add a rival: a file in rivals/, and its line here. */
import { fraMethods, type OpenedFra } from './generators/fraMethods.ts';
import type { Method } from './method.ts';
import { dreamMlp } from './rivals/dreamMlp.ts';
import { meanOffset } from './rivals/meanOffset.ts';
import { alternate, blend } from './rivals/mixtures.ts';
import { MODERATE_ORACLE, ORACLE } from './rivals/oracles.ts';
import { mirrorRival, renderRival, type ViewTable } from './rivals/pictureViews.ts';
import { LEAKED_PAIRS, type PairSource, REAL_PAIRS } from './rivals/posePairs.ts';
import { ridgeMap } from './rivals/ridgeMap.ts';
import { tiedCovariance } from './rivals/tiedCovariance.ts';
import { DUPLICATE, JITTER, MIXUP, NONE } from './rivals/unlearned.ts';
import { wccn } from './rivals/wccn.ts';

/**
 * @param synthetic rendered pairs of other people, when there are any.
 * @throws Error when two rows have one id: each would be shown with numbers of the other.
 */
export function allMethods(
  views: ViewTable,
  synthetic: PairSource | undefined,
  models: readonly OpenedFra[],
): Method[] {
  const sources = [REAL_PAIRS, ...(synthetic ? [synthetic] : [])];
  const render = renderRival(views);
  const mixture = blend(meanOffset(REAL_PAIRS), ridgeMap(synthetic ?? REAL_PAIRS));
  const methods = [
    NONE,
    DUPLICATE,
    JITTER,
    MIXUP,
    mirrorRival(views),
    ...sources.flatMap((source) => [
      meanOffset(source),
      tiedCovariance(source),
      wccn(source),
      ridgeMap(source),
      dreamMlp(source),
    ]),
    mixture,
    render,
    alternate(render, mixture),
    ...sources.map((source) => wccn(source, render)),
    ...models.flatMap(fraMethods),
    meanOffset(LEAKED_PAIRS),
    ridgeMap(LEAKED_PAIRS),
    dreamMlp(LEAKED_PAIRS),
    MODERATE_ORACLE,
    ORACLE,
  ];
  const ids = methods.map(({ id }) => id);
  const doubled = ids.find((id, i) => ids.indexOf(id) !== i);
  if (doubled !== undefined) throw new Error(`expected rows of different ids, found ${doubled} twice`);
  return methods;
}
