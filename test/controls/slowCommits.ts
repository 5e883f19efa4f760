/**
 * Loaded into a posecast process by NODE_OPTIONS=--import: every commit takes seconds to be read, as all the commits of
 * a long run do. The product knows nothing of it.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { open } = fs.promises;
fs.promises.open = async (path, ...rest) => {
  if (/commits.\d+\.json$/.test(String(path))) await sleep(3_000);
  return open(path, ...rest);
};
syncBuiltinESMExports();
