// `npm run test:hosts`: workers on several hosts whose network breaks. The hosts are network namespaces within a mount,
// network and process namespace of the test's own, so that nothing of them is left whatever happens. Needs Linux, root,
// unshare and ip; says so and skips where one is missing. About six minutes, most of them waits as long as in life.
import { spawnSync } from 'node:child_process';

const ISOLATE = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

const missing = whatIsMissing();
if (missing !== undefined) {
  console.log(`skipped: ${missing}`);
  process.exit(0);
}
const test = [
  '--enable-source-maps',
  '--test',
  '--test-concurrency=1',
  '--test-reporter=spec',
  '--test-timeout=1800000',
  'dist/test/hosts/hosts.test.js',
];
const { status } = spawnSync('unshare', [...ISOLATE, process.execPath, ...test], {
  stdio: 'inherit',
  env: { ...process.env, POSECAST_HOSTS: 'full' },
});
process.exit(status ?? 1);

/** Why there can be no hosts here. */
function whatIsMissing() {
  if (process.platform !== 'linux') return 'network namespaces are of Linux';
  if (process.getuid() !== 0) return 'network namespaces need root';
  for (const [program, from] of Object.entries({ unshare: 'util-linux', ip: 'iproute2' })) {
    if (spawnSync(program, ['--version']).error && spawnSync(program, ['-V']).error)
      return `no ${program} here (${from})`;
  }
  const made = spawnSync('unshare', [...ISOLATE, 'ip', 'link', 'add', 'probe', 'type', 'bridge']);
  if (made.status !== 0) return `no bridge in a network namespace: ${String(made.stderr).trim()}`;
  return undefined;
}
