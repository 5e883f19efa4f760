/** One test body, tried on a folder and on S3. */
import { join } from 'node:path';
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { openStore } from '../../src/shared/store/openStore.ts';
import { withS3 } from './services/s3.ts';
import { withTempFolder } from './tempFolder.ts';

export type WithStore = (run: (store: ObjectStore) => Promise<void>) => Promise<void>;

export const withFolderStore: WithStore = (run) =>
  withTempFolder(async (folder) => {
    const store = await openStore(join(folder, 'out'));
    await run(store);
    await store.close();
  });

function withS3Store(conditionalPuts: boolean): WithStore {
  return (run) =>
    withS3({ conditionalPuts }, async ({ endpoint, bucket }) => {
      const options = { s3: { endpoint }, onWarning: () => undefined };
      const store = await openStore(`s3://${bucket}/some/prefix`, options);
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });
}

export const STORES: Readonly<Record<string, WithStore>> = {
  folder: withFolderStore,
  's3 with conditional puts': withS3Store(true),
  's3 without conditional puts': withS3Store(false),
};

export async function storeKeys(store: ObjectStore, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix)) found.push(key);
  return found;
}
