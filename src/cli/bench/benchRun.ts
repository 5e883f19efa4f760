/**
 * A whole run for `posecast bench`, as a process of its own: `posecast run` with stand-ins for parts of the worker.
 *
 *     node benchRun.js '{"models": true}' CORPUS OUT [options of posecast run]
 */
import { z } from 'zod';
import { describeError } from '../../shared/errors.ts';
import { exitCodeOfError } from '../exit.ts';
import { surviveLostReaders } from '../output/lostReaders.ts';
import { runCommand } from '../run.ts';

const standInsSchema = z.object({ models: z.boolean(), tables: z.boolean() });
// A bench that was killed reads no more, and the run still has to put its things away.
surviveLostReaders();
const [standIns = '', ...words] = process.argv.slice(2);
try {
  await runCommand(standInsSchema.parse(JSON.parse(standIns))).parseAsync(words, { from: 'user' });
} catch (error) {
  // The last line is what `posecast bench` says of it.
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = exitCodeOfError(error);
}
// As in bin/posecast.js: a library that still waits for a server that is gone must not keep the process.
setTimeout(() => process.exit(), 2_000).unref();
