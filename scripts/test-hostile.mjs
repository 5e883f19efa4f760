// The long form of the hostile tests: damaged files of every kind, paths that lead elsewhere, secrets. Prints how many
// cases were tried and with which seed; `POSECAST_HOSTILE_SEED=… npm run test:hostile` repeats a run.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the suite promises. */
const LEAST_CASES = 10_000;

const seed = process.env.POSECAST_HOSTILE_SEED ?? String(Math.floor(Date.now() / 1000) % 2 ** 31);
const folder = mkdtempSync(join(tmpdir(), 'posecast-hostile-'));
const counts = join(folder, 'counts');
writeFileSync(counts, '');
console.log(`seed ${seed}`);
const { status } = spawnSync(process.execPath, ['scripts/test.mjs', 'hostile'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    POSECAST_HOSTILE: 'full',
    POSECAST_HOSTILE_SEED: seed,
    POSECAST_HOSTILE_COUNTS: counts,
  },
});
let total = 0;
for (const line of readFileSync(counts, 'utf8').split('\n').filter(Boolean)) {
  const [group, count] = line.split('\t');
  console.log(`${String(count).padStart(8)}  ${group}`);
  total += Number(count);
}
rmSync(folder, { recursive: true, force: true });
console.log(`${String(total).padStart(8)}  cases in all, seed ${seed}`);
if (status === 0 && total < LEAST_CASES) {
  console.error(`expected at least ${LEAST_CASES} cases, found ${total}`);
  process.exit(1);
}
process.exit(status ?? 1);
