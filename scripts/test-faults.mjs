// Runs that are disturbed at random (26; with --long 200, and more on Ceph where its packages are), and the faults that
// are tried one by one. Prints the seed of each; `POSECAST_FAULTS_SEED=… npm run test:faults` repeats one random run.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const long = process.argv.includes('--long');
const repeated = process.env.POSECAST_FAULTS_SEED;
const firstSeed = process.env.POSECAST_FAULTS_FIRST_SEED ?? String(Math.floor(Date.now() / 1000) % 2 ** 31);
if (long) installCeph();
const files = [
  ...(repeated === undefined ? ['disturbedRuns', 'rivals', 'cephCorpus'] : []),
  'randomRuns',
  ...(long ? ['ceph'] : []),
].map((name) => `dist/test/faults/${name}.test.js`);
console.log(repeated === undefined ? `first seed ${firstSeed}` : `seed ${repeated}`);
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    // One after the other: random runs keep two cores busy by themselves.
    '--test-concurrency=1',
    '--test-reporter=spec',
    '--test-timeout=14400000',
    ...files,
  ],
  {
    stdio: 'inherit',
    env: {
      POSECAST_FAULTS_RUNS: long ? '200' : '26',
      ...(long && { POSECAST_FAULTS_CEPH_RUNS: '20' }),
      ...process.env,
      POSECAST_FAULTS: 'full',
      POSECAST_FAULTS_FIRST_SEED: firstSeed,
    },
  },
);
process.exit(status ?? 1);

/** On Debian as root; elsewhere the test of Ceph says what it misses, and is skipped. */
function installCeph() {
  const programs = ['ceph-mon', 'ceph-osd', 'ceph-mgr', 'radosgw', 'ceph'];
  if (programs.every((program) => existsSync(`/usr/bin/${program}`))) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  const packages = ['ceph-mon', 'ceph-osd', 'ceph-mgr', 'radosgw', 'ceph-common'];
  console.log(`installing ${packages.join(' ')}`);
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  spawnSync('apt-get', ['update', '-q'], options);
  spawnSync('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], options);
}
