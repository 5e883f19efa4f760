import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeList } from '../../bench/performance/rivals/corpus.ts';
import { treeMemory } from '../../bench/performance/rivals/processTree.ts';
import { measureCommand } from '../../bench/performance/rivals/wholeCommand.ts';

const needsLinux = process.platform !== 'linux' && 'reads /proc, which is Linux';

test('the memory of a process counts what its child holds', { skip: needsLinux }, async () => {
  const before = await treeMemory(process.pid);
  const script = "const held = Buffer.alloc(150e6, 1); console.log('held'); setInterval(() => held[0], 1e6)";
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    assert.ok((await treeMemory(process.pid)) - before > 150e6);
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

test('the clock of a command stops at the line that says it is done', { skip: needsLinux }, async () => {
  const script = "console.log('1'); console.log('2'); setTimeout(() => console.log('3'), 1500)";
  const { seconds, lines } = await measureCommand([process.execPath, '-e', script], (line) => line === 2);
  const whole = await measureCommand([process.execPath, '-e', script], () => false);
  assert.deepEqual(lines, [1, 2, 3]);
  assert.ok(whole.seconds >= 1.5 && whole.peakMemory > 0);
  assert.ok(seconds < whole.seconds);
});

test('a command that fails is refused with what it complained about', { skip: needsLinux }, async () => {
  const script = "console.error('no such list'); process.exit(3)";
  await assert.rejects(
    measureCommand([process.execPath, '-e', script], () => false),
    /ended with 3: no such list/,
  );
});

test('a list longer than the photographs repeats them as other people, each face with a name of its own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-list-'));
  try {
    const file = join(folder, 'faces.csv');
    const photographs = [
      { subjectId: 'a', path: '/a,1.jpg' },
      { subjectId: 'b', path: '/b.jpg' },
    ];
    await writeList(file, photographs, 3);
    assert.equal(
      await readFile(file, 'utf8'),
      'face_id,subject_id,path\nface-0,a-0,"/a,1.jpg"\nface-1,b-0,/b.jpg\nface-2,a-1,"/a,1.jpg"\n',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
