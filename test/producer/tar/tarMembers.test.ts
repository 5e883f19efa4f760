import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, open, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openForwardReader } from '../../../src/producer/readers/forwardReader.ts';
import { type TarEntry, type TarMember, tarMembers } from '../../../src/producer/readers/tar/tarMembers.ts';
import { folderSource } from '../../../src/shared/corpus/folderSource.ts';
import { withTempFolder } from '../../helpers/tempFolder.ts';
import { collect } from '../corpusFiles.ts';
import { END, gnuTar, member, noGnuTar } from './tars.ts';

const never = new AbortController().signal;

async function entriesOf(folder: string, name: string): Promise<TarEntry[]> {
  const file = await folderSource(folder).open(name, never);
  try {
    return await collect(tarMembers(openForwardReader(file, never)));
  } finally {
    await file.close();
  }
}

const membersOf = (entries: readonly TarEntry[]): TarMember[] =>
  entries.flatMap((entry) => (entry.kind === 'member' ? [entry.member] : []));

async function entriesOfBytes(bytes: Uint8Array): Promise<TarEntry[]> {
  return withTempFolder(async (folder) => {
    await writeFile(join(folder, 'a.tar'), bytes);
    return entriesOf(folder, 'a.tar');
  });
}

const LONG = `${'a-rather-long-folder-name/'.repeat(9)}${'n'.repeat(120)}.jpg`;

for (const format of ['v7', 'ustar', 'gnu', 'oldgnu', 'posix']) {
  test(`members of GNU tar's ${format} format lie where they are said to`, { skip: noGnuTar }, () =>
    withTempFolder(async (folder) => {
      const names = ['anna/1.jpg', 'anna/empty.jpg', 'bert/ümläut 日本.jpg'];
      if (!['v7', 'ustar'].includes(format)) names.push(LONG);
      if (format === 'ustar') names.push(`${'folder-of-somebody/'.repeat(8)}1.jpg`);
      for (const [i, name] of names.entries()) {
        await mkdir(join(folder, 'in', name, '..'), { recursive: true });
        await writeFile(join(folder, 'in', name), name.includes('empty') ? '' : `${i}`.repeat(500 + i * 700));
      }
      gnuTar(folder, '--format', format, '-cf', 'a.tar', '-C', 'in', '.');
      const entries = await entriesOf(folder, 'a.tar');
      assert.deepEqual(entries.at(-1), { kind: 'end', bytesAfter: 0 });
      const bytes = await readFile(join(folder, 'a.tar'));
      const files = membersOf(entries).filter(({ kind }) => kind === 'file');
      assert.deepEqual(files.map(({ name }) => name?.slice(2)).sort(), [...names].sort());
      for (const { name, offset, size } of files) {
        const content = await readFile(join(folder, 'in', name!));
        assert.deepEqual(bytes.subarray(offset, offset + size), content, name);
      }
    }),
  );
}

test('hard links, symbolic links and sparse files are told apart from files', { skip: noGnuTar }, () =>
  withTempFolder(async (folder) => {
    for (const format of ['gnu', 'posix']) {
      const inside = join(folder, format);
      await mkdir(inside);
      await writeFile(join(inside, '1.jpg'), 'photograph');
      execFileSync('ln', [join(inside, '1.jpg'), join(inside, '2.jpg')]);
      await symlink('1.jpg', join(inside, '3.jpg'));
      const hole = await open(join(inside, '4.jpg'), 'w');
      await hole.truncate(1_000_000);
      await hole.write('end', 999_000);
      await hole.close();
      const order = ['1.jpg', '2.jpg', '3.jpg', '4.jpg', '5.jpg'];
      await writeFile(join(inside, '5.jpg'), 'after the sparse one');
      gnuTar(inside, '--format', format, '--sparse', '-cf', '../a.tar', ...order);
      const entries = await entriesOf(folder, 'a.tar');
      const found = membersOf(entries).map(({ kind, target }) => (target ? `${kind} ${target}` : kind));
      assert.deepEqual(found, ['file', 'hard link 1.jpg', 'symbolic link 1.jpg', 'sparse file', 'file']);
      assert.equal(entries.at(-1)?.kind, 'end');
    }
  }),
);

test('an archive cut at any byte gives its whole members and then the place of the cut', async () => {
  const whole = Buffer.concat([
    member('a.jpg', 'x'.repeat(700)),
    member(LONG, 'yy'),
    member('c.jpg', ''),
    END,
  ]);
  const all = membersOf(await entriesOfBytes(whole));
  assert.equal(all.length, 3);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (cut) => {
      const entries = await entriesOfBytes(whole.subarray(0, cut));
      const last = entries.at(-1);
      assert.ok(last?.kind === 'damage', JSON.stringify(last));
      assert.ok(last.damage.offset <= cut);
      assert.deepEqual(
        membersOf(entries),
        all.filter(({ offset, size }) => offset + size <= cut),
      );
    }),
    { numRuns: 60 },
  );
});

for (const [what, broken, problem] of [
  [
    'a checksum that is not its own',
    spoil(member('b.jpg', 'body'), 0, 'X'),
    /expected a header with checksum \d+/,
  ],
  [
    'a size beyond the end of the file',
    member('b.jpg', 'body', { size: 10 ** 9 }),
    /expected 1000000000 bytes/,
  ],
  ['a pax header of another size than it says', pax('99 path=b.jpg\n'), /expected a pax record/],
  [
    'a pax size below zero',
    pax('11 size=-5\n'),
    /expected the size of a member in its pax header, found "-5"/,
  ],
  ['a pax size beyond exact numbers', pax('32 size=99999999999999999999999\n'), /pax header, found "9+"/],
  [
    'a GNU name of megabytes',
    member('././@LongLink', 'n'.repeat(2 ** 21), { type: 'NextFileHasLongPath' }),
    /at most/,
  ],
] as const) {
  test(`${what} is damage at its offset, after the members before it`, async () => {
    const before = member('a.jpg', 'photograph');
    const entries = await entriesOfBytes(Buffer.concat([before, broken, member('c.jpg', 'c'), END]));
    assert.deepEqual(
      membersOf(entries).map(({ name }) => name),
      ['a.jpg'],
    );
    const last = entries.at(-1);
    assert.ok(last?.kind === 'damage', JSON.stringify(last));
    assert.ok(last.damage.offset >= before.length, String(last.damage.offset));
    assert.match(last.damage.problem, problem);
  });
}

test('an archive without its end, or with half of it, is cut short', async () => {
  const body = member('a.jpg', 'x');
  for (const bytes of [body, Buffer.concat([body, Buffer.alloc(512)]), Buffer.alloc(0)]) {
    const last = (await entriesOfBytes(bytes)).at(-1);
    assert.ok(last?.kind === 'damage');
    assert.match(last.damage.problem, /cut short/);
  }
});

test('what follows the end is counted and not read: archives put together with cat are two', async () => {
  const one = Buffer.concat([member('a.jpg', 'x'), END]);
  assert.deepEqual((await entriesOfBytes(Buffer.concat([one, one]))).at(-1), {
    kind: 'end',
    bytesAfter: one.length,
  });
  const padded = Buffer.concat([one, Buffer.alloc(20 * 512 - one.length)]);
  assert.deepEqual((await entriesOfBytes(padded)).at(-1), { kind: 'end', bytesAfter: 0 });
});

test('a member of more than 8 GiB is passed over and the next one found', { skip: noGnuTar }, () =>
  withTempFolder(async (folder) => {
    // Holes: the file takes no room on the disk, the archive neither.
    const size = 9 * 2 ** 30;
    const head = member('big.bin', '', { size });
    const tail = Buffer.concat([member('b.jpg', 'photograph'), END]);
    const file = await open(join(folder, 'a.tar'), 'w');
    await file.write(head, 0, head.length, 0);
    await file.write(tail, 0, tail.length, head.length + size);
    await file.close();
    const entries = membersOf(await entriesOf(folder, 'a.tar'));
    assert.deepEqual(
      entries.map(({ name, offset }) => [name, offset]),
      [
        ['big.bin', head.length],
        ['b.jpg', head.length + size + 512],
      ],
    );
    assert.ok((await stat(join(folder, 'a.tar'))).size > size);
  }),
);

function spoil(bytes: Buffer, at: number, text: string): Buffer {
  bytes.write(text, at, 'latin1');
  return bytes;
}

function pax(records: string): Buffer {
  return Buffer.concat([
    member('PaxHeader/b.jpg', records, { type: 'ExtendedHeader' }),
    member('b.jpg', 'b'),
  ]);
}
