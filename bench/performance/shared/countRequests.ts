/** A store that counts what it is asked, by the kind of request that an object store charges for. */
import type { ObjectStore } from '../../../src/shared/store/objectStore.ts';

export interface Requests {
  /** put, putIfAbsent. */
  writes: number;
  /** get, whole or in part, and head. */
  reads: number;
  lists: number;
  deletes: number;
}

export function countRequests(store: ObjectStore): ObjectStore & { readonly requests: Requests } {
  const requests: Requests = { writes: 0, reads: 0, lists: 0, deletes: 0 };
  return {
    uri: store.uri,
    atomicPutIfAbsent: store.atomicPutIfAbsent,
    requests,
    put(...request) {
      requests.writes++;
      return store.put(...request);
    },
    putIfAbsent(...request) {
      requests.writes++;
      return store.putIfAbsent(...request);
    },
    get(...request) {
      requests.reads++;
      return store.get(...request);
    },
    head(...request) {
      requests.reads++;
      return store.head(...request);
    },
    list(...request) {
      requests.lists++;
      return store.list(...request);
    },
    delete(...request) {
      requests.deletes++;
      return store.delete(...request);
    },
    close: () => store.close(),
  };
}
