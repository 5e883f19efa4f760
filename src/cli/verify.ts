/** `posecast verify`: re-reads a run and names everything that is wrong with it. */
import { Command } from 'commander';
import { openStore } from '../shared/store/openStore.ts';
import { count, counted } from '../shared/text/counted.ts';
import { type VerifyReport, verifyRun } from '../verify/verifyRun.ts';
import { EXIT } from './exit.ts';
import { addStoreOptions, type StoreFlags, s3Options } from './options/storeOptions.ts';
import { duration } from './output/format.ts';
import { isTerminal, openLastLine } from './output/lastLine.ts';
import { stoppable } from './stoppable.ts';

const EPILOGUE = `
Checked: every file against the SHA-256 in its commit; every face of the corpus has one embedding row or one
reject row; every person is in subjects.parquet; embeddings are finite and of unit length; variants come from a
real face of their own person and are, with those dropped, as many as the run asks for; no face_id occurs twice;
run.json names the same recogniser and FRA model as the tables and the manifest; every field of the manifest is what
the commits make it; the plan has the shards that are committed; no file is left over.

Not checked, for it stands in run.json alone: the seed, the pose policy, the similarity gate, the time it was written,
and the digests of the models other than the recogniser and the FRA model.

Examples:
  posecast verify out/sample
  posecast verify s3://bucket/run1 --s3-endpoint http://127.0.0.1:9000 --json

Exit codes: 0 all is well, 1 problems were found (each is named), 2 there is no run at OUT, or its
run.json is damaged.
`;

/** How often the progress line is renewed, in milliseconds. */
const PROGRESS_EVERY_MS = 200;

interface VerifyFlags extends StoreFlags {
  readonly json?: true;
}

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description('Re-reads everything a run wrote and checks it.')
    .argument('<OUT>', 'folder or s3://bucket/prefix of a run')
    .option('--json', 'one JSON report on standard output');
  return addStoreOptions(command)
    .addHelpText('after', EPILOGUE)
    .action(async (out: string, flags: VerifyFlags) => {
      const report = await verify(out, flags);
      if (!report.ok) process.exitCode = EXIT.failures;
    });
}

async function verify(out: string, flags: VerifyFlags): Promise<VerifyReport> {
  const startedAt = performance.now();
  const progress = openLastLine(process.stderr);
  const stopping = { stopped: 'verification interrupted, nothing was changed', onError: progress.clear };
  return stoppable(stopping, async (signal, releasers) => {
    const store = await openStore(out, { access: 'read', s3: s3Options(flags) });
    releasers.push('store', () => store.close());
    const showsProgress = isTerminal(process.stderr) && flags.json !== true;
    let shownAt = -Infinity;
    const report = await verifyRun(store, {
      signal,
      onProgress({ shards, of, rows }) {
        if (!showsProgress || performance.now() - shownAt < PROGRESS_EVERY_MS) return;
        shownAt = performance.now();
        progress.rewrite(`shards ${count(shards)}/${count(of)} · rows ${count(rows)}`);
      },
    });
    progress.clear();
    const shown =
      flags.json === true
        ? JSON.stringify(report, null, 2)
        : formatReport(report, performance.now() - startedAt);
    process.stdout.write(`${shown}\n`);
    return report;
  });
}

/** The report for a person. */
function formatReport(report: VerifyReport, elapsedMs: number): string {
  const { checked, problemCounts, problems } = report;
  const total = Object.values(problemCounts).reduce((sum, found) => sum + found, 0);
  const lines = [
    `run ${report.runId} in ${report.store}`,
    ...Object.entries(checked).map(([name, value]) => `  ${name.padEnd(9)} ${count(value).padStart(15)}`),
  ];
  for (const { code, key, message } of problems) lines.push(`${code}: ${key}: ${message}`);
  if (total > problems.length) lines.push(`and ${count(total - problems.length)} more`);
  const seconds = duration(elapsedMs / 1000);
  lines.push(
    report.ok ? `all is well (${seconds})` : `${counted(total, 'problem', 'problems')} found (${seconds})`,
  );
  return lines.join('\n');
}
