import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CorpusInput, embedPeople } from '../../src/evaluate/corpus/embedPeople.ts';
import type { FaceRecord } from '../../src/shared/face.ts';
import { resolvePipelineModels } from '../../src/worker/models/pipelineModels.ts';
import { withTempFolder } from '../helpers/tempFolder.ts';

test('people none of whose photographs is usable are among those left out', () =>
  withTempFolder(async (folder) => {
    const models = await resolvePipelineModels({ detector: 'fr-detect', recognizer: 'fr-feature' }, () => {});
    const face = (subjectId: string) => ({ faceId: `${subjectId}/1.jpg`, subjectId }) as FaceRecord;
    const corpus: CorpusInput = {
      role: 'evaluated',
      path: 'made-up',
      faces: [face('anna'), face('bert')],
      photographs: {
        read: async () => ({ status: 'ok', bytes: new TextEncoder().encode('no photograph') }),
      } as unknown as CorpusInput['photographs'],
    };
    const { corpora } = await embedPeople([corpus], {
      recognizers: [models],
      work: join(folder, 'work'),
      settings: {
        ...{ folds: 2, seeds: 1, seed: 0, enrol: 1, variants: 1, tasks: [], shuffleLabels: false },
        probes: { rule: 'most-turned', count: 1 },
        ...{ allowLeakage: false, subjectPrefix: '', detector: 'fr-detect' },
      },
      hooks: {
        ...{ stage: () => {}, progress: () => {}, note: () => {} },
        signal: new AbortController().signal,
      },
    });
    assert.equal(corpora[0]!.usable, 0);
    assert.deepEqual(corpora[0]!.subjectsLeftOut, ['anna', 'bert']);
  }));
