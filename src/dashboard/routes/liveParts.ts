/** The parts of a run's pages that change while one looks. */
import { createHash } from 'node:crypto';
import { type Html, html } from '../../shared/page/html.ts';
import type { Action } from '../actions.ts';
import type { RunSnapshot } from '../data/runSnapshot.ts';
import { shardSource } from '../data/shardTable.ts';
import type { Tab } from '../pages/layout.ts';
import { overviewParts } from '../pages/overview.ts';
import { shardMap } from '../pages/shards.ts';
import { stateCard } from '../pages/stateCard.ts';
import type { RunView } from '../runView.ts';

/** By the id of the element. */
type Parts = Record<string, Html>;

/** Parts of the page of this tab that are replaced while one looks. */
export function liveParts(view: RunView, tab: Tab, snapshot: RunSnapshot, allowActions: boolean): Parts {
  const { watch } = view;
  const state = { state: stateCard(watch.store.uri, snapshot, actionForms(snapshot, allowActions)) };
  switch (tab) {
    case 'overview':
      return { ...state, ...overviewPartsOf(view, snapshot) };
    case 'shards':
      return { ...state, map: shardMap(shardSource(watch)) };
    case 'rejects':
    case 'people':
      return state;
  }
}

export function overviewPartsOf({ run, watch, coverage, examples }: RunView, snapshot: RunSnapshot): Parts {
  return overviewParts(run, watch.store.uri, snapshot, watch.log.workers, coverage(), examples());
}

/** Changes when the tables of the run's pages do. */
export function tableVersion({ log, shards, snapshot }: RunView['watch']): string {
  const { failed, redis } = snapshot;
  const inWork =
    redis.status === 'answers' ? redis.queue.inWork.map(({ shard }) => shard).sort((a, b) => a - b) : [];
  const digest = createHash('sha256').update(inWork.join()).digest('base64url').slice(0, 16);
  return `${log.version}/${shards.numbers}/${failed.shards.length}/${digest}`;
}

/** Undefined: nothing may be changed from the page. */
export function actionForms({ state, failed }: RunSnapshot, allowActions: boolean): Html | undefined {
  if (!allowActions) return undefined;
  // Relative to the pages of a run, which all lie in one folder.
  const button = (action: Action, text: string): Html =>
    html`<form method="post" action="actions/${action}"><button>${text}</button></form>`;
  if (state === 'complete' || state === 'finishing') return html``;
  return html`<div class="actions">${state === 'paused' ? button('resume', 'Resume') : button('pause', 'Pause')}${failed.shards.length > 0 ? button('retry-failed', 'Retry failed shards') : undefined}</div>`;
}
