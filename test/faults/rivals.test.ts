/** Two attempts of one shard at the same time, by two worker processes, because one of them lost its lock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { verifyRun } from '../../src/verify/verifyRun.ts';
import type { CliProcess } from '../helpers/cli.ts';
import { assertSameRun } from './compareRuns.ts';
import { sharedTinyCorpus } from './corpora.ts';
import type { ProxiedRequest } from './faultProxy.ts';
import { type Fleet, type FleetStore, untilCommitted, withFleet } from './fleet.ts';

/** The first shard has a broken photograph and no data file; the second is the one that is fought for. */
const SHARDS = 2;
const FOUGHT_FOR = 1;
const tiny = sharedTinyCorpus(SHARDS);

interface Rivalry {
  readonly fleet: Fleet;
  /** Holds the first request of this kind, and stands still since. */
  readonly first: CliProcess;
  /** Has committed the shard meanwhile. */
  readonly second: CliProcess;
  /** The held request is carried out, and the first worker goes on. */
  letGo(): void;
  /** Requests since then. */
  readonly since: ProxiedRequest[];
}

const isDataUpload = ({ method, path }: ProxiedRequest) => method === 'PUT' && path.includes('/data/');
const isCommit = ({ method, path }: ProxiedRequest) =>
  method === 'PUT' && path.includes(`/commits/0000000${FOUGHT_FOR}`);

/**
 * The first worker stops in the middle of a request, as a machine does that swaps or is suspended;
 * its lock runs out, and a second worker does the shard.
 */
function withRivals(
  store: FleetStore,
  held: (request: ProxiedRequest) => boolean,
  run: (rivalry: Rivalry) => Promise<void>,
): Promise<void> {
  return withFleet({ store, corpus: tiny() }, async (fleet) => {
    const { proxy, direct } = fleet;
    assert.ok(proxy !== undefined);
    assert.equal((await fleet.submit()).code, 0);
    let release = (): void => {};
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    const since: ProxiedRequest[] = [];
    let letGo = false;
    const holding = new Promise<void>((resolve) => {
      let holds = false;
      proxy.faultOf = (request) => {
        if (letGo) since.push(request);
        if (holds || !held(request)) return undefined;
        holds = true;
        resolve();
        return { kind: 'hold', until };
      };
    });
    const first = fleet.startWorker();
    await holding;
    first.child.kill('SIGSTOP');
    const second = fleet.startWorker();
    await untilCommitted(direct, SHARDS, second);
    await run({
      fleet,
      first,
      second,
      since,
      letGo() {
        letGo = true;
        release();
        first.child.kill('SIGCONT');
      },
    });
  });
}

test('an attempt that was overtaken while it uploaded has lost, and removes its files', () =>
  withRivals({ conditionalPuts: true }, isDataUpload, async ({ fleet, first, second, letGo, since }) => {
    const finished = await second.done;
    assert.equal(finished.code, 0, finished.stderr);
    letGo();
    const late = await first.done;
    assert.equal(late.code, 0, late.stderr);
    const commit = await readShardCommit(fleet.direct, FOUGHT_FOR);
    assert.equal(commit?.worker.pid, second.child.pid);
    const file = `/data/0000000${FOUGHT_FOR}-`;
    const removed = since.filter(({ method, path }) => method === 'DELETE' && path.includes(file));
    assert.equal(removed.length, 1);
    await assertSameRun(fleet.direct, fleet.corpus.expected);
  }));

test('files of an overtaken attempt that dies before it removes them are removed by the same command', () =>
  withRivals({ conditionalPuts: true }, isDataUpload, async ({ fleet, first, second, letGo }) => {
    const { proxy, direct, corpus, out } = fleet;
    assert.equal((await second.done).code, 0);
    const hold = proxy!.faultOf;
    const asked = new Promise<void>((resolve) => {
      proxy!.faultOf = (request) => {
        if (request.method !== 'DELETE') return hold(request);
        resolve();
        return { kind: 'reset' };
      };
    });
    letGo();
    await Promise.race([asked, first.done]);
    first.child.kill('SIGKILL');
    await first.done;
    proxy!.faultOf = () => undefined;
    assert.ok(((await verifyRun(direct)).problemCounts['stray-file'] ?? 0) > 0);
    const again = await fleet.start('run', corpus.corpus, out, ...corpus.options).done;
    assert.equal(again.code, 0, again.stderr);
    await assertSameRun(direct, corpus.expected);
  }));

test('a commit that arrives after another attempt’s is refused by the store, whatever its worker believed', () =>
  withRivals({ conditionalPuts: true }, isCommit, async ({ fleet, first, second, letGo }) => {
    assert.equal((await second.done).code, 0);
    const before = await readShardCommit(fleet.direct, FOUGHT_FOR);
    letGo();
    assert.equal((await first.done).code, 0);
    assert.deepEqual(await readShardCommit(fleet.direct, FOUGHT_FOR), before);
    await assertSameRun(fleet.direct, fleet.corpus.expected);
  }));

test('on a store that ignores put-if-absent a late commit takes over: verify says so, the same command puts it right', () =>
  withRivals({ conditionalPuts: false }, isCommit, async ({ fleet, first, second, letGo }) => {
    const { direct, corpus, out } = fleet;
    assert.equal((await second.done).code, 0);
    // The tables of the attempt that stands still are there already.
    const { problemCounts } = await verifyRun(direct);
    assert.deepEqual(
      Object.keys(problemCounts).filter((code) => code !== 'stray-file'),
      [],
    );
    letGo();
    await first.done;
    const commit = await readShardCommit(direct, FOUGHT_FOR);
    assert.equal(commit?.worker.pid, first.child.pid);
    const report = await verifyRun(direct);
    assert.equal(report.ok, false);
    const again = await fleet.start('run', corpus.corpus, out, ...corpus.options).done;
    assert.equal(again.code, 0, again.stderr);
    await assertSameRun(direct, corpus.expected);
  }));
