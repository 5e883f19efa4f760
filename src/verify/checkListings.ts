/** Whether the parts of all listings, and the tables that say who their people are, are the ones that the run names. */

import { generationKey } from '../shared/run/runKeys.ts';
import type { RunShards } from '../shared/run/runShards.ts';
import { sha256Hex } from '../shared/sha256.ts';
import type { Verification } from './verification.ts';

export async function checkListings({ store, problems }: Verification, shards: RunShards): Promise<void> {
  const files = shards.listings.flatMap(({ generation, parts, subjects }) =>
    [...parts, ...(subjects === null ? [] : [subjects])].map((file) => ({ ...file, generation })),
  );
  for (const { key, bytes, sha256, generation } of files) {
    let found: Uint8Array | undefined;
    try {
      found = await store.get(key);
    } catch (error) {
      problems.addDamaged(key)(error);
      continue;
    }
    const namedIn = generation === 0 ? 'run.json' : generationKey(generation);
    if (found === undefined) problems.add('missing-file', key, 'listing part is missing');
    else if (found.length !== bytes || sha256Hex(found) !== sha256) {
      problems.add('checksum', key, `listing part is not the one ${namedIn} names`);
    }
  }
}
