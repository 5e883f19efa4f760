/** A store that holds given bytes and nothing else, for readers that take a store. */
import type { ObjectStore } from '../../src/shared/store/objectStore.ts';
import { checkKey } from '../../src/shared/store/storeKey.ts';

export function memoryStore(objects: Readonly<Record<string, Uint8Array>>): ObjectStore {
  const find = (key: string) => (Object.hasOwn(objects, checkKey(key)) ? objects[key] : undefined);
  const refuse = async () => {
    throw new Error('this store is only read');
  };
  return {
    uri: '/memory',
    atomicPutIfAbsent: true,
    get: async (key, range) => find(key)?.slice(range?.start, range?.end),
    head: async (key) => {
      const bytes = find(key)?.length;
      return bytes === undefined ? undefined : { key, bytes };
    },
    async *list(prefix) {
      for (const key of Object.keys(objects).sort()) {
        if (key.startsWith(prefix)) yield { key, bytes: objects[key]!.length };
      }
    },
    put: refuse,
    putIfAbsent: refuse,
    delete: refuse,
    close: async () => {},
  };
}
