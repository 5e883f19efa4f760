/** Decides where shards begin and end. Pure: the same subjects and limits give the same shards. */

/** One subject, as the plan sees it. */
export interface SubjectSize {
  /** At least 1. */
  readonly faces: number;
  /** Of images; 0 where the corpus does not say. */
  readonly bytes: number;
}

export interface ShardLimits {
  /** A shard holds at most this many faces, unless it is one subject alone. */
  readonly shardFaces: number;
  /** A shard holds at most this many bytes of images, unless it is one subject alone. */
  readonly shardBytes: number;
  /** A shard holds at most this many subjects: each brings variants, and a shard's table lies in memory. */
  readonly shardSubjects: number;
  /** A listing part ends with the first subject that brings it to this many rows. */
  readonly partRows: number;
}

export interface PlannedShard {
  readonly index: number;
  /** 0-based number of the listing part. */
  readonly part: number;
  /** Rows [rowStart, rowEnd) of that part. */
  readonly rowStart: number;
  readonly rowEnd: number;
  readonly subjects: number;
  readonly faces: number;
  readonly bytes: number;
  /** Position of its first subject in the whole listing. */
  readonly firstClassIndex: number;
  /** One subject larger than the limits: kept whole all the same. */
  readonly oversize: boolean;
}

/** Plans while a corpus streams by: `add` each subject in listing order, then `finish`. */
export interface ShardPlanner {
  /** The shard that this subject closed by not fitting in, or that ended with a part. */
  add(subject: SubjectSize): PlannedShard | undefined;
  /** The last shard. */
  finish(): PlannedShard | undefined;
  /** Part that the next subject's rows belong to. */
  nextPart(): number;
}

export function createShardPlanner(limits: ShardLimits): ShardPlanner {
  const nothing = { subjects: 0, faces: 0, bytes: 0 };
  let open = { ...nothing };
  let index = 0;
  let part = 0;
  let rowStart = 0;
  let classIndex = 0;

  const close = (): PlannedShard | undefined => {
    if (open.subjects === 0) return undefined;
    const rowEnd = rowStart + open.faces;
    const shard: PlannedShard = {
      index,
      part,
      rowStart,
      rowEnd,
      ...open,
      firstClassIndex: classIndex - open.subjects,
      oversize: open.faces > limits.shardFaces || open.bytes > limits.shardBytes,
    };
    index++;
    rowStart = rowEnd;
    open = { ...nothing };
    return shard;
  };

  return {
    add(subject) {
      const endsPart = rowStart + open.faces >= limits.partRows;
      const overflows =
        open.faces + subject.faces > limits.shardFaces ||
        open.bytes + subject.bytes > limits.shardBytes ||
        open.subjects + 1 > limits.shardSubjects;
      const closed = endsPart || overflows ? close() : undefined;
      if (endsPart) {
        part++;
        rowStart = 0;
      }
      open.subjects++;
      open.faces += subject.faces;
      open.bytes += subject.bytes;
      classIndex++;
      return closed;
    },
    finish: close,
    nextPart: () => (rowStart + open.faces >= limits.partRows ? part + 1 : part),
  };
}
