/** Two attempts of one shard at the same time, by two worker processes, because one of them lost its lock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readShardCommit } from '../../src/shared/run/shardCommit.ts';
import { verifyRun } from '../../src/verify/verifyRun.ts';
import type { CliProcess } from '../helpers/cli.ts';
import { storeKeys } from '../helpers/stores.ts';
import { assertSameRun } from './compareRuns.ts';
import { sharedTinyCorpus } from './corpora.ts';
import type { ProxiedRequest } from './faultProxy.ts';
import { type Fleet, type FleetStore, untilCommitted, withFleet } from './fleet.ts';
import { ONLY_IN_FULL } from './full.ts';

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
  /** Resolves when both want to finish the run: every attempt is over. Only where the finish is held back. */
  readonly bothWantToFinish: Promise<void>;
  letFinish(): void;
}

const isDataUpload = ({ method, path }: ProxiedRequest) => method === 'PUT' && path.includes('/data/');
/** The first write of a finish. */
const isFinish = ({ method, path }: ProxiedRequest) =>
  method === 'PUT' && path.includes('/run/subjects.parquet');
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
  { finishIsHeld = false } = {},
): Promise<void> {
  return withFleet({ store, corpus: tiny() }, async (fleet) => {
    const { proxy, direct } = fleet;
    assert.ok(proxy !== undefined);
    assert.equal((await fleet.submit()).code, 0);
    const [until, release] = gate();
    const [mayFinish, letFinish] = gate();
    const [bothWantToFinish, bothWant] = gate();
    let wantToFinish = 0;
    const since: ProxiedRequest[] = [];
    let letGo = false;
    const holding = new Promise<void>((resolve) => {
      let holds = false;
      proxy.faultOf = (request) => {
        if (letGo) since.push(request);
        if (finishIsHeld && isFinish(request)) {
          if (++wantToFinish === 2) bothWant();
          return { kind: 'hold', until: mayFinish };
        }
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
      bothWantToFinish,
      letFinish,
      letGo() {
        letGo = true;
        release();
        first.child.kill('SIGCONT');
      },
    });
  });
}

/** A promise, and what resolves it. */
function gate(): [Promise<void>, () => void] {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return [opened, open];
}

test('an attempt that was overtaken while it uploaded has lost, and removes its files', ONLY_IN_FULL, () =>
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
  }),
);

test(
  'files of an overtaken attempt that dies before it removes them are removed by the same command',
  ONLY_IN_FULL,
  () =>
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
    }),
);

test('an attempt whose commit is refused reads whose it is, and removes its files before the run is finished', () =>
  withRivals(
    { conditionalPuts: true },
    isCommit,
    async ({ fleet, first, second, letGo, bothWantToFinish, letFinish }) => {
      const { direct, corpus } = fleet;
      const ofShard = `data/0000000${FOUGHT_FOR}-`;
      assert.equal((await storeKeys(direct, ofShard)).length, 2);
      letGo();
      await Promise.race([bothWantToFinish, first.done]);
      const commit = await readShardCommit(direct, FOUGHT_FOR);
      assert.equal(commit?.worker.pid, second.child.pid);
      assert.deepEqual(await storeKeys(direct, ofShard), [commit?.data?.key]);
      letFinish();
      for (const { code, stderr } of await Promise.all([first.done, second.done])) {
        assert.equal(code, 0, stderr);
      }
      await assertSameRun(direct, corpus.expected);
    },
    { finishIsHeld: true },
  ));

test(
  'a commit that arrives after another attempt’s is refused by the store, whatever its worker believed',
  ONLY_IN_FULL,
  () =>
    withRivals({ conditionalPuts: true }, isCommit, async ({ fleet, first, second, letGo }) => {
      assert.equal((await second.done).code, 0);
      const before = await readShardCommit(fleet.direct, FOUGHT_FOR);
      letGo();
      assert.equal((await first.done).code, 0);
      assert.deepEqual(await readShardCommit(fleet.direct, FOUGHT_FOR), before);
      await assertSameRun(fleet.direct, fleet.corpus.expected);
    }),
);

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
