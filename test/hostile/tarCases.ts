/** Damaged archives through the whole listing: headers, pax records, labels, samples. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCorpus } from '../../src/producer/readers/openCorpus.ts';
import { END, member } from '../producer/tar/tars.ts';
import { mutateBytes } from './mutate.ts';
import { readOrRefuse } from './outcome.ts';

/** Members of every kind that matters, so that damage meets all of them. */
function sampleArchive(): Buffer {
  const long = `${'folder/'.repeat(30)}3.jpg`;
  return Buffer.concat([
    member('0.jpg', 'photograph 0'),
    member('0.cls', '7'),
    member('p/1.jpg', 'y'.repeat(700)),
    member('p/1.cls', '8'),
    member('PaxHeader/2', '21 path=p/two/2.jpg\n17 size=00000005\n', { type: 'ExtendedHeader' }),
    member('2.jpg', 'abcde'),
    member('././@LongLink', `${long}\0`, { type: 'NextFileHasLongPath' }),
    member('3.jpg', 'x'),
    member('g', '16 comment=none\n', { type: 'GlobalExtendedHeader' }),
    member('p/two/2.cls', '9'),
    member('l.jpg', '', { type: 'Link', linkpath: '0.jpg' }),
    END,
  ]);
}

/** A liar knows the format: headers get the checksum that they should have, so that what they say is believed. */
function withChecksums(archive: Buffer): Buffer {
  for (let at = 0; at + 512 <= archive.length; at += 512) {
    const block = archive.subarray(at, at + 512);
    if (block.toString('latin1', 257, 262) !== 'ustar') continue;
    block.fill(0x20, 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
  return archive;
}

/** A seed decides whether the archive is read strictly and what names people. */
export async function tarCases(): Promise<(seed: number) => Promise<string>> {
  const original = sampleArchive();
  const folder = mkdtempSync(join(tmpdir(), 'posecast-hostile-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  return async (seed) => {
    const damaged = mutateBytes(original, seed);
    writeFileSync(join(folder, 'a.tar'), seed % 2 === 0 ? damaged : withChecksums(damaged));
    const found = await readOrRefuse(async () => {
      const reader = await openCorpus({
        corpus: join(folder, 'a.tar'),
        imageRoot: folder,
        corpusFormat: 'webdataset',
        readBrokenArchives: seed % 3 !== 0,
        subjectFrom: [null, 'cls', 'folder', 'json:a'][seed % 4] ?? null,
      });
      let faces = 0;
      for await (const { offset, bytes } of reader.faces()) {
        if (offset === undefined || !Number.isSafeInteger(offset + bytes) || bytes < 0) {
          throw new Error(`a face at ${offset}, ${bytes} bytes`);
        }
        faces++;
      }
      return faces;
    });
    return found === undefined ? 'refused' : found === 0 ? 'taken, nobody' : 'taken';
  };
}
