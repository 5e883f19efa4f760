// 20,000 small shards through one worker process (10 to 30 minutes). POSECAST_SOAK_SHARDS: another number.
import { spawnSync } from 'node:child_process';

const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-reporter=spec',
    '--test-timeout=7200000',
    'dist/test/soak/soak.test.js',
  ],
  { stdio: 'inherit', env: { POSECAST_SOAK_SHARDS: '20000', ...process.env } },
);
process.exit(status ?? 1);
