/** Whether the shards' row ranges follow one another through the whole listing. */
import type { RunFile } from '../shared/run/runFile.ts';
import { commitKey, RUN_KEY } from '../shared/run/runKeys.ts';
import type { ShardCommit } from '../shared/run/shardCommit.ts';
import type { ProblemLog } from './problems.ts';

export class ListingCover {
  private readonly run: RunFile;
  private readonly problems: ProblemLog;
  private part = 0;
  private row = 0;
  private subjects = 0;

  constructor(run: RunFile, problems: ProblemLog) {
    this.run = run;
    this.problems = problems;
  }

  /** `afterGap`: the shard before could not be read, so this one says where it starts. */
  add({ spec }: ShardCommit, afterGap: boolean): void {
    const { listing } = this.run;
    if (this.row === listing[this.part]?.rows) [this.part, this.row] = [this.part + 1, 0];
    const follows =
      spec.part === listing[this.part]?.key &&
      spec.rowStart === this.row &&
      spec.firstClassIndex === this.subjects;
    if (!follows) {
      if (!afterGap) this.report(spec);
      // One gap is one problem: go on from where this shard says it is.
      this.part = listing.findIndex(({ key }) => key === spec.part);
    }
    this.row = spec.rowEnd;
    this.subjects = spec.firstClassIndex + spec.subjects;
  }

  finish(): void {
    const { listing, corpus } = this.run;
    const whole = this.part === listing.length - 1 && this.row === listing[this.part]?.rows;
    if (whole && this.subjects === corpus.subjects) return;
    const found = `row ${this.row} of part ${this.part + 1}, ${this.subjects} people`;
    this.problems.add(
      'listing-gap',
      RUN_KEY,
      `shards end at ${found}, listing has ${corpus.subjects} people`,
    );
  }

  private report(spec: ShardCommit['spec']): void {
    const part = this.run.listing[this.part]?.key ?? 'nothing';
    const expected = `${part} from row ${this.row}, person ${this.subjects}`;
    const found = `${spec.part} from row ${spec.rowStart}, person ${spec.firstClassIndex}`;
    this.problems.add('listing-gap', commitKey(spec.index), `expected ${expected}, found ${found}`);
  }
}
