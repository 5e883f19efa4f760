/** Appends that are killed, and appends by several machines: real processes, a real Redis, a real store. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore } from '../../src/shared/store/openStore.ts';
import { verifyRun } from '../../src/verify/verifyRun.ts';
import { posecast, startPosecast } from '../helpers/cli.ts';
import { storeKeys } from '../helpers/stores.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { makeSmallShards, type SmallShards } from '../soak/smallShards.ts';
import { type RunTables, readTables } from './compareRuns.ts';
import { committed, untilCommitted, withFleet } from './fleet.ts';
import { ONLY_IN_FULL } from './full.ts';

const PEOPLE = 6;

/**
 * New photographs of two known people, and three new ones; somebody whose only photograph was broken gets a good one.
 */
const LATER = [
  'late-0,person-0,1.png',
  'late-1,person-3,2.png',
  'late-2,a-new-person,3.png',
  'late-3,zoe,4.png',
  'late-4,zoe,5.png',
];

async function grow(corpus: string): Promise<string> {
  const list = await readFile(corpus, 'utf8');
  await writeFile(corpus, `${list}${LATER.join('\n')}\n`);
  return list;
}

async function tablesOf(out: string): Promise<RunTables> {
  const store = await openStore(out, { access: 'read' });
  try {
    const report = await verifyRun(store);
    assert.deepEqual(report.problems, []);
    return await readTables(store);
  } finally {
    await store.close();
  }
}

/** The same rows, byte for byte, in whatever order of files. */
function assertSameTables(found: RunTables, expected: RunTables): void {
  const { bytes: _, ...totals } = found.totals;
  const { bytes: __, ...expectedTotals } = expected.totals;
  assert.deepEqual(totals, expectedTotals);
  for (const kind of ['data', 'rejects'] as const) {
    assert.deepEqual(new Map([...found[kind]].sort()), new Map([...expected[kind]].sort()));
  }
}

async function appendedInPeace(folder: string, { corpus, env, options }: SmallShards): Promise<RunTables> {
  const out = join(folder, 'in-peace');
  for (const step of ['plan', 'append']) {
    if (step === 'append') await grow(corpus);
    const ran = await posecast(['run', corpus, out, ...options, '--append'], env);
    assert.equal(ran.code, 0, ran.stderr);
  }
  return tablesOf(out);
}

test('an append that is killed again and again is finished by the same command, with the rows of one in peace', () =>
  withTempFolder(async (folder) => {
    const small = await makeSmallShards(folder, PEOPLE);
    const { corpus, env, options } = small;
    const list = await readFile(corpus, 'utf8');
    const expected = await appendedInPeace(folder, small);
    assert.deepEqual([expected.totals.subjects, expected.totals.faces], [PEOPLE + 2, PEOPLE + LATER.length]);
    const person0 = [...expected.data.values()].filter(({ subject_id }) => subject_id === 'person-0');
    assert.deepEqual(
      person0.map(({ kind, variant }) => [kind, variant]),
      [
        ['real', null],
        ['augmented', 2],
        ['augmented', 3],
      ],
      'who had no usable photograph gets variants now, with numbers of the generation',
    );

    const out = join(folder, 'killed');
    await writeFile(corpus, list);
    const args = ['run', corpus, out, ...options, '--threads', '1', '--append'];
    assert.equal((await posecast(args, env)).code, 0);
    await grow(corpus);
    const store = await openStore(out, { access: 'read' });
    const before = (await store.get('manifest.json'))!;
    const moments: (() => Promise<boolean>)[] = [
      async () => (await storeKeys(store, 'listing/')).some((key) => key.includes('-g0001-')),
      async () => (await store.head('generations/0001.json')) !== undefined,
      async () => (await committed(store)).length > PEOPLE,
      async () => (await committed(store)).length === PEOPLE + 4,
    ];
    for (const hasCome of moments) {
      const attempt = startPosecast(args, env);
      while (attempt.child.exitCode === null && !(await hasCome())) await sleep(5);
      attempt.child.kill('SIGKILL');
      const { code, stderr } = await attempt.done;
      assert.ok(code === null || code === 0, stderr);
      if (code === null)
        assert.deepEqual(await store.get('manifest.json'), before, 'readers keep the old one');
    }
    assert.equal((await posecast(args, env)).code, 0);
    await store.close();
    assertSameTables(await tablesOf(out), expected);
  }));

test(
  'submit --append finishes what is left, appends, and any worker does it, also one that is killed',
  ONLY_IN_FULL,
  () =>
    withTempFolder(async (folder) => {
      const small = await makeSmallShards(folder, PEOPLE);
      const expected = await appendedInPeace(folder, small);
      await writeFile(small.corpus, (await readFile(small.corpus, 'utf8')).split(LATER[0]!)[0]!);
      const corpus = { ...small, shards: PEOPLE, expected };
      await withFleet(
        { store: { conditionalPuts: true }, corpus },
        async ({ submit, start, startWorker, direct }) => {
          const out = direct.uri;
          assert.equal((await submit()).code, 0);
          const first = startWorker();
          await untilCommitted(direct, 2, first);
          first.child.kill('SIGKILL');
          await first.done;
          await grow(small.corpus);

          const submitting = start('submit', small.corpus, out, ...small.options, '--append', '--wait');
          const workers = [startWorker(), startWorker()];
          while ((await committed(direct)).length <= PEOPLE) {
            assert.equal(submitting.child.exitCode, null, submitting.output());
            // Workers of the first part end with it; those of the append are started by whoever looks after them.
            if (workers.every(({ child }) => child.exitCode !== null)) workers.push(startWorker());
            await sleep(50);
          }
          workers.at(-1)?.child.kill('SIGKILL');
          const last = startWorker();
          const submitted = await submitting.done;
          assert.equal(submitted.code, 0, submitted.stderr);
          assert.match(
            submitted.stderr,
            /\d shards? ha(s|ve) to be committed first; new photographs are looked for then/,
          );
          assert.match(
            submitted.stderr,
            /generation 1: 5 new photographs in \d shards?, of 2 new people and 2 who have/,
          );
          await Promise.all([...workers, last].map(({ done }) => done));
          const report = await verifyRun(direct);
          assert.deepEqual(report.problems, []);
          assertSameTables(await readTables(direct), expected);
        },
      );
    }),
);
