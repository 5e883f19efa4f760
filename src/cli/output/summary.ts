/** What a finished run tells a person, and a machine. */
import { isS3Uri } from '../../shared/corpus/openCorpusSource.ts';
import type { RunManifest } from '../../shared/run/manifest.ts';
import { count, counted } from '../../shared/text/counted.ts';
import { EXIT } from '../exit.ts';
import type { StoreFlags } from '../options/storeOptions.ts';
import { countsByCode, dataSize, duration, labelledLines } from './format.ts';

export interface RunSummary {
  readonly runId: string;
  /** Where the table is: a folder or s3://bucket/prefix. */
  readonly out: string;
  readonly manifest: RunManifest;
  readonly device: string;
  /** Of this command, set-up included. */
  readonly seconds: number;
  /** Of the work alone, from opened models to the manifest; absent when nothing was left to do. */
  readonly workSeconds?: number;
  /** Largest resident memory of this process so far, in bytes. */
  readonly peakMemory: number;
  /** Longest time the lock-renewing thread was kept busy; absent likewise. */
  readonly longestBlockMs?: number;
}

/** A short text for the end of a run. `store`: how it is reached, where that is not in AWS variables. */
export function formatSummary(summary: RunSummary, store: StoreFlags): string {
  const { manifest, out } = summary;
  const { totals, table } = manifest;
  const files = manifest.files.filter((file) => file.kind === 'data').length;
  const lines: [string, string][] = [
    ['people', count(totals.subjects)],
    ['faces', `${count(totals.faces)}, ${count(totals.rejected)} rejected${reasons(manifest)}`],
    ['variants', `${count(totals.variants)}, ${count(totals.variantsRejected)} below the similarity gate`],
    [
      'rows',
      `${count(totals.rows)} × ${table.embeddingDim} ${table.embeddingType} (${manifest.recognizer.name})`,
    ],
    ['files', `${count(files)} ${table.format}, ${dataSize(totals.bytes)}`],
    ...generationLines(manifest),
    ['time', [formatSeconds(summary.seconds), summary.device, ...block(summary)].join(', ')],
    ['memory', `${dataSize(summary.peakMemory)} at most`],
    ['table', `${out}/manifest.json`],
  ];
  const isEmpty = totals.rows === 0;
  const reading = [
    `open it in Python (pip install pyarrow${store.s3Profile === undefined ? '' : `, AWS_PROFILE=${store.s3Profile}`}):`,
    ...readingSnippet(out, table.format, store).map((line) => `  ${line}`),
    '',
  ];
  return [
    `run ${summary.runId} is complete${isEmpty ? ', and its table empty: no photograph was usable' : ''}`,
    ...labelledLines(lines),
    '',
    ...(isEmpty ? [] : reading),
  ].join('\n');
}

/** The summary for machines. */
export function summaryFacts(summary: RunSummary): Readonly<Record<string, unknown>> {
  const { manifest, ...rest } = summary;
  const { totals, rejectsByCode, table, recognizer, fra, generations } = manifest;
  const shards = { done: manifest.shards, total: manifest.shards };
  return {
    event: 'complete',
    exitCode: EXIT.ok,
    ...rest,
    shards,
    totals,
    rejectsByCode,
    table,
    recognizer,
    fra,
    generations,
  };
}

/** Three lines of Python that read every real and generated embedding, from a folder or from S3. */
function readingSnippet(out: string, format: RunManifest['table']['format'], store: StoreFlags): string[] {
  // Parquet is what pyarrow takes files for.
  const files = format === 'arrow' ? 'filesystem=store, format="ipc"' : 'filesystem=store';
  return [
    'import json; from pyarrow import dataset, fs',
    `store, root = ${pythonStore(out, store)}; ` +
      'files = json.load(store.open_input_stream(f"{root}/manifest.json"))["files"]',
    `table = dataset.dataset([f"{root}/{f['key']}" for f in files if f["kind"] == "data"], ${files}).to_table()`,
  ];
}

/** The store and the path in it, as pyarrow takes them: of a profile it reads the keys alone. */
function pythonStore(out: string, { s3Endpoint, s3Region, s3AddressingStyle }: StoreFlags): string {
  // A folder's path is no URI.
  if (!isS3Uri(out)) return `fs.FileSystem.from_uri(${JSON.stringify(out)})`;
  const path = out.slice('s3://'.length);
  const url = s3Endpoint === undefined ? undefined : new URL(s3Endpoint);
  const settings = [
    ...(url === undefined
      ? []
      : [
          `endpoint_override=${JSON.stringify(url.host)}`,
          `scheme=${JSON.stringify(url.protocol.slice(0, -1))}`,
        ]),
    ...(s3Region === undefined ? [] : [`region=${JSON.stringify(s3Region)}`]),
    ...(s3AddressingStyle === 'virtual' ? ['force_virtual_addressing=True'] : []),
  ];
  if (settings.length === 0) return `fs.FileSystem.from_uri("s3://${encodePath(path)}")`;
  return `fs.S3FileSystem(${settings.join(', ')}), ${JSON.stringify(path)}`;
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** What was appended, for runs that had it. */
function generationLines({ generations }: RunManifest): [string, string][] {
  const appends = generations.filter(({ kind }) => kind === 'append');
  const newest = appends.at(-1);
  if (newest?.kind !== 'append') return [];
  const { faces, subjects } = newest.added;
  return [
    [
      'appended',
      `${counted(appends.length, 'time', 'times')}, last ${counted(faces, 'photograph', 'photographs')} with ` +
        counted(subjects, 'new person', 'new people'),
    ],
  ];
}

/** The two commonest reasons of rejection. */
function reasons({ rejectsByCode }: RunManifest): string {
  const top = countsByCode(rejectsByCode);
  if (top.length === 0) return '';
  return ` (${[...top.slice(0, 2), ...(top.length > 2 ? ['…'] : [])].join(', ')})`;
}

function block({ longestBlockMs }: RunSummary): string[] {
  return longestBlockMs === undefined ? [] : [`lock thread busy at most ${longestBlockMs.toFixed(0)} ms`];
}

function formatSeconds(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : duration(seconds);
}
