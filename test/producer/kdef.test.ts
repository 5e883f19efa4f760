import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeIgnored } from '../../src/producer/readers/ignored.ts';
import { KDEF_LABEL_COLUMNS } from '../../src/producer/readers/kdef.ts';
import { openCorpus } from '../../src/producer/readers/openCorpus.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';
import { collect, writeFiles } from './corpusFiles.ts';

test('both sittings of a KDEF person are one person; session, emotion and angle are labels', () =>
  withTempFolder(async (folder) => {
    await writeFiles(folder, {
      'AF01/AF01ANFL.JPG': 'a',
      'BF01/BF01SUS.JPG': 'b',
      'AM12/am12nehr.jpg': 'c',
      'AM12/AM12XXHR.jpg': 'd',
      'AM12/notes.txt': 'e',
    });
    const reader = await openCorpus({
      corpus: folder,
      corpusFormat: 'kdef',
      imageRoot: folder,
      labelColumns: [...KDEF_LABEL_COLUMNS],
    });
    const faces = await collect(reader.faces());
    assert.deepEqual(
      faces.map(({ subjectId, faceId, labels }) => [subjectId, faceId, ...(labels ?? [])]),
      [
        ['F01', 'AF01/AF01ANFL.JPG', 'A', 'AN', 'FL'],
        ['F01', 'BF01/BF01SUS.JPG', 'B', 'SU', 'S'],
        ['M12', 'AM12/am12nehr.jpg', 'A', 'NE', 'HR'],
      ],
    );
    assert.deepEqual(describeIgnored(reader.ignored), [
      '1 ignored: not an image by its extension (AM12/notes.txt)',
      '1 ignored: not a KDEF file name (AM12/AM12XXHR.jpg)',
    ]);
  }));
