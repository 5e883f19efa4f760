/**
 * How much memory planning takes on a large corpus. Makes a corpus, plans it in a process of its own, prints the
 * highest resident memory of that process:
 *
 *     node dist/bench/listingMemory.js csv [faces] [faces a person]
 *     node dist/bench/listingMemory.js folder [faces] [faces a person]
 *     node dist/bench/listingMemory.js webdataset [faces] [faces a person]
 *     node dist/bench/listingMemory.js recordio [faces] [faces a person]
 *     node dist/bench/listingMemory.js parquet [faces] [faces a person]
 *     node dist/bench/listingMemory.js append [faces] [faces a person]     lists the last tenth of them as an append
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { Header } from 'tar';
import { listAppend } from '../src/producer/append/listAppend.ts';
import { planRun } from '../src/producer/planRun.ts';
import { parseRunConfig, type RunConfig } from '../src/shared/config.ts';
import { endWithOwner } from '../src/shared/machine/endWithOwner.ts';
import type { AppendGeneration } from '../src/shared/run/generationFile.ts';
import { readRunShards } from '../src/shared/run/generations.ts';
import { requireRunFile } from '../src/shared/run/runFile.ts';
import { newPlanId } from '../src/shared/run/runKeys.ts';
import type { ObjectStore } from '../src/shared/store/objectStore.ts';
import { openStore } from '../src/shared/store/openStore.ts';
import { withFolder } from './performance/shared/folders.ts';

const LIMIT_MB = 300;
const ARCHIVES = 10;
/** Of the corpus, before an append. */
const FIRST_SHARE = 0.9;

const [format = 'csv', faces = '1000000', facesPerPerson = '50', inside = ''] = process.argv.slice(2);
const KINDS = ['csv', 'folder', 'webdataset', 'recordio', 'parquet', 'append'] as const;
type Kind = (typeof KINDS)[number];
const kind = KINDS.find((name) => name === format);
if (kind === undefined) throw new Error(`expected ${KINDS.join(', ')}, found ${format}`);
if (inside === '') await measure(kind, Number(faces), Number(facesPerPerson));
else await plan(kind, inside);

/** Makes the corpus, runs this file again to plan it, and reports. */
async function measure(kind: Kind, count: number, perPerson: number): Promise<void> {
  const make = {
    csv: makeCsv,
    append: makeCsv,
    folder: makeFolders,
    webdataset: makeArchives,
    recordio: makeRecords,
    parquet: makeTable,
  }[kind];
  await withFolder('disk', async (folder) => {
    if (kind === 'append') {
      // Of the same people: fewer photographs of each.
      await makeCsv(folder, Math.ceil(FIRST_SHARE * count), FIRST_SHARE * perPerson);
      await inProcess('csv', folder);
    }
    await make(folder, count, perPerson);
    const output = await inProcess(kind, folder);
    const { peakMb, seconds, shards, parts } = JSON.parse(output) as Record<string, number>;
    console.log(
      `${kind}: ${count} faces of ${Math.ceil(count / perPerson)} people → ${shards} shards in ${parts} parts, ` +
        `${seconds} s, ${peakMb} MB resident at most (limit ${LIMIT_MB})`,
    );
    if ((peakMb ?? Number.POSITIVE_INFINITY) > LIMIT_MB) process.exitCode = 1;
  });
}

/** What this file prints when it plans in a process of its own. */
async function inProcess(kind: Kind, folder: string): Promise<string> {
  const child = endWithOwner(
    spawn(process.execPath, [process.argv[1] ?? '', kind, '0', '0', folder], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`planning ended with ${code}`);
  return output;
}

async function plan(kind: Kind, folder: string): Promise<void> {
  const start = performance.now();
  const corpus = join(
    folder,
    {
      csv: 'list.csv',
      append: 'list.csv',
      folder: 'corpus',
      webdataset: `t-{0..${ARCHIVES - 1}}.tar`,
      recordio: 'train.rec',
      parquet: 't.parquet',
    }[kind],
  );
  const config = parseRunConfig({
    corpus,
    corpusFormat: kind === 'append' ? 'csv' : kind,
    imageRoot: kind === 'folder' ? corpus : folder,
  });
  const store = await openStore(join(folder, 'out'));
  const recognizer = { name: 'none', digest: '0'.repeat(64) };
  const models = { models: {}, recognizer, embeddingDim: 512, fra: null };
  const { shards, listing } = await (kind === 'append'
    ? append(config, store)
    : planRun(config, store, { models }).then(({ run }) => run));
  await store.close();
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const peakMb = await peakMegabytes();
  console.log(JSON.stringify({ peakMb, seconds, shards, parts: listing.length }));
}

/** Without asking whether the shards of before are committed. */
async function append(config: RunConfig, store: ObjectStore): Promise<AppendGeneration> {
  const run = await requireRunFile(store);
  const options = { planId: newPlanId(run.runId, 1), createdAt: new Date().toISOString() };
  const shards = await readRunShards(store, run);
  const { generation } = await listAppend(run, shards, config, store, store, options);
  if (generation === undefined) throw new Error('nothing was appended');
  return generation;
}

/** High-water mark of this process, by the kernel; the runtime's own figure elsewhere than on Linux. */
async function peakMegabytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const kilobytes = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
  return Math.round(Number(kilobytes ?? process.resourceUsage().maxRSS) / 1024);
}

/** Faces in an order that has nothing to do with that of the people. */
async function makeCsv(folder: string, count: number, perPerson: number): Promise<void> {
  const file = createWriteStream(join(folder, 'list.csv'));
  file.write('face_id,subject_id,path\n');
  const people = Math.ceil(count / perPerson);
  for (let i = 0; i < count; i += 10_000) {
    let chunk = '';
    for (let j = i; j < Math.min(i + 10_000, count); j++) {
      const person = `id_${String((j * 7_919) % people).padStart(7, '0')}`;
      chunk += `${person}_${j},${person},${person}/photograph_${String(j).padStart(9, '0')}.jpg\n`;
    }
    if (!file.write(chunk)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'finish');
}

/** Empty files: planning looks at names and sizes only. */
async function makeFolders(folder: string, count: number, perPerson: number): Promise<void> {
  for (let i = 0; i < count; i += perPerson) {
    const person = join(folder, 'corpus', `id_${String(i / perPerson).padStart(7, '0')}`);
    mkdirSync(person, { recursive: true });
    for (let j = i; j < Math.min(i + perPerson, count); j++) {
      writeFileSync(join(person, `photograph_${String(j).padStart(9, '0')}.jpg`), '');
    }
  }
}

/** Samples of a label and a photograph of one block each, people in no order: only headers and labels are looked at. */
async function makeArchives(folder: string, count: number, perPerson: number): Promise<void> {
  const people = Math.ceil(count / perPerson);
  const block = (path: string, size: number): Buffer => {
    const bytes = Buffer.alloc(1024);
    new Header({ path, size, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(bytes);
    return bytes;
  };
  for (let archive = 0; archive < ARCHIVES; archive++) {
    const file = createWriteStream(join(folder, `t-${archive}.tar`));
    for (let i = archive; i < count; i += ARCHIVES) {
      const key = `photograph_${String(i).padStart(9, '0')}`;
      const label = block(`${key}.cls`, 7);
      label.write(String((i * 7_919) % people).padStart(7, '0'), 512);
      if (!file.write(Buffer.concat([label, block(`${key}.jpg`, 512)]))) await once(file, 'drain');
    }
    file.end(Buffer.alloc(1024));
    await once(file, 'finish');
  }
}

/** Image records of a hundred bytes with their index, in the order of their people, as InsightFace has them. */
async function makeRecords(folder: string, count: number, perPerson: number): Promise<void> {
  const rec = createWriteStream(join(folder, 'train.rec'));
  const idx = createWriteStream(join(folder, 'train.idx'));
  const record = Buffer.alloc(8 + 24 + 68);
  record.writeUInt32LE(0xced7230a, 0);
  record.writeUInt32LE(record.length - 8, 4);
  for (let i = 0; i < count; i++) {
    record.writeFloatLE(Math.floor(i / perPerson), 12);
    if (!rec.write(Buffer.from(record))) await once(rec, 'drain');
    if (!idx.write(`${i}\t${i * record.length}\n`)) await once(idx, 'drain');
  }
  rec.end();
  idx.end();
  await Promise.all([once(rec, 'finish'), once(idx, 'finish')]);
}

/** Rows of ids, people in no order and images of 64 bytes, in row groups of 10,000. */
async function makeTable(folder: string, count: number, perPerson: number): Promise<void> {
  const people = Math.ceil(count / perPerson);
  const rows = 10_000;
  const columnData = (start: number) => {
    const numbers = Array.from({ length: Math.min(rows, count - start) }, (_, i) => start + i);
    return [
      { name: 'face_id', type: 'STRING' as const, nullable: false, data: numbers.map((i) => `face_${i}`) },
      {
        name: 'label',
        type: 'INT32' as const,
        nullable: false,
        data: numbers.map((i) => (i * 7_919) % people),
      },
      {
        name: 'image',
        type: 'BYTE_ARRAY' as const,
        nullable: false,
        data: numbers.map(() => new Uint8Array(64)),
      },
    ];
  };
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, schema: schemaFromColumnData({ columnData: columnData(0) }) });
  for (let start = 0; start < count; start += rows) {
    await parquet.write({ columnData: columnData(start), rowGroupSize: rows });
  }
  await parquet.finish();
  writeFileSync(join(folder, 't.parquet'), writer.getBytes());
}
