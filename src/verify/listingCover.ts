/** Whether the shards' row ranges follow one another through a whole listing. */

import { commitKey, generationKey, RUN_KEY } from '../shared/run/runKeys.ts';
import type { RunListing } from '../shared/run/runShards.ts';
import type { ShardCommit } from '../shared/run/shardCommit.ts';
import type { ProblemLog } from './problems.ts';

export class ListingCover {
  private readonly listing: RunListing;
  private readonly problems: ProblemLog;
  private part = 0;
  private row = 0;
  private subjects = 0;

  constructor(listing: RunListing, problems: ProblemLog) {
    this.listing = listing;
    this.problems = problems;
  }

  /** `afterGap`: the shard before could not be read, so this one says where it starts. */
  add({ spec }: ShardCommit, afterGap: boolean): void {
    const { parts } = this.listing;
    if (this.row === parts[this.part]?.rows) [this.part, this.row] = [this.part + 1, 0];
    const follows =
      spec.part === parts[this.part]?.key &&
      spec.rowStart === this.row &&
      spec.firstClassIndex === this.subjects;
    if (!follows) {
      if (!afterGap) this.report(spec);
      // One gap is one problem: go on from where this shard says it is.
      this.part = parts.findIndex(({ key }) => key === spec.part);
    }
    this.row = spec.rowEnd;
    this.subjects = spec.firstClassIndex + spec.subjects;
  }

  finish(): void {
    const { generation, parts, subjects, newSubjects } = this.listing;
    const people = subjects?.rows ?? newSubjects;
    const whole = this.part === parts.length - 1 && this.row === parts[this.part]?.rows;
    if (whole && this.subjects === people) return;
    const found = `row ${this.row} of part ${this.part + 1}, ${this.subjects} people`;
    this.problems.add(
      'listing-gap',
      generation === 0 ? RUN_KEY : generationKey(generation),
      `shards end at ${found}, listing has ${people} people`,
    );
  }

  private report(spec: ShardCommit['spec']): void {
    const part = this.listing.parts[this.part]?.key ?? 'nothing';
    const expected = `${part} from row ${this.row}, person ${this.subjects}`;
    const found = `${spec.part} from row ${spec.rowStart}, person ${spec.firstClassIndex}`;
    this.problems.add('listing-gap', commitKey(spec.index), `expected ${expected}, found ${found}`);
  }
}
