/** What a run would do, found out without writing anything: the corpus is listed and planned as for the run itself. */
import type { RunConfig } from '../shared/config.ts';
import type { FaceRecord } from '../shared/face.ts';
import { readPlan } from '../shared/listing.ts';
import { randomInt, seededRandom } from '../shared/random.ts';
import { readCommittedSet } from '../shared/run/committedShards.ts';
import { readRunShards } from '../shared/run/generations.ts';
import type { ObjectStore } from '../shared/store/objectStore.ts';
import { listCorpus, type PlanRunOptions, runToResume } from './planRun.ts';

/** People looked at closely, and photographs of each. */
const SAMPLED_PEOPLE = 16;
const SAMPLED_PHOTOGRAPHS = 4;

export interface DryPlan {
  /** The run that OUT holds already, and that would be resumed. */
  readonly resumes: string | null;
  readonly people: number;
  readonly faces: number;
  /** Of the photographs; 0 for a list that does not say. */
  readonly bytes: number;
  readonly shards: number;
  /** Shards of one person who is larger than the limits. */
  readonly oversizeShards: number;
  /** What is not committed yet: all of it, unless a run is resumed. */
  readonly left: { readonly people: number; readonly faces: number; readonly shards: number };
  /** Of the listing and the plan. */
  readonly listingBytes: number;
  /** Some people with some of their photographs, taken evenly from the whole corpus, in listing order. */
  readonly sample: readonly FaceRecord[];
}

/** @throws ConfigError as `planRun`: what the run would refuse, the dry run refuses. */
export async function planDryRun(
  config: RunConfig,
  store: ObjectStore,
  options: PlanRunOptions,
): Promise<DryPlan> {
  const existing = await runToResume(config, store, options);
  const sample = createSample(config.seed);
  let listingBytes = 0;
  // The listing of a large corpus is large: it is counted as it goes by.
  const nowhere: Pick<ObjectStore, 'put'> = {
    async put(_, body) {
      listingBytes += body.byteLength;
    },
  };
  const written = await listCorpus(config, nowhere, 'dry-run', { ...options, onFace: sample.add });
  const { subjects: people, faces, bytes } = written.corpus;
  const { shards, oversizeShards } = written;
  const left = { people, faces, shards };
  if (existing !== undefined) {
    const shardsThere = await readRunShards(store, existing, options.signal);
    const committed = await readCommittedSet(store, shardsThere, options.signal);
    for await (const { spec, faces: done } of readPlan(store, existing.runId, options.signal)) {
      if (!committed.has(shardsThere.shardAt(spec.index))) continue;
      left.people -= spec.subjects;
      left.faces -= done;
      left.shards--;
    }
  }
  return {
    resumes: existing?.runId ?? null,
    people,
    faces,
    bytes,
    shards,
    oversizeShards,
    left,
    listingBytes,
    sample: sample.finish(),
  };
}

/** Every person of a stream sorted by person has the same chance to be in it. Deterministic. */
function createSample(seed: number): { add: (face: FaceRecord) => void; finish(): FaceRecord[] } {
  const random = seededRandom(seed, 'dry run');
  const places: { place: number; faces: FaceRecord[] }[] = [];
  let people = 0;
  let subjectId: string | undefined;
  let chosen: FaceRecord[] | undefined;
  return {
    add(face) {
      if (face.subjectId !== subjectId) {
        subjectId = face.subjectId;
        const at = people < SAMPLED_PEOPLE ? people : randomInt(random, people + 1);
        chosen = at < SAMPLED_PEOPLE ? [] : undefined;
        if (chosen !== undefined) places[at] = { place: people, faces: chosen };
        people++;
      }
      if (chosen !== undefined && chosen.length < SAMPLED_PHOTOGRAPHS) chosen.push(face);
    },
    finish: () => places.sort((a, b) => a.place - b.place).flatMap(({ faces }) => faces),
  };
}
