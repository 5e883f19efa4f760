/** Shards and rejected photographs as lines of the log, for those who ask for them. */
import type { Say } from '../shared/text/logFields.ts';
import type { WorkObserver } from '../worker/workObserver.ts';

export function logShards(say: Say): WorkObserver {
  return {
    faces(results, { index }) {
      for (const { record, outcome } of results) {
        if (outcome.status === 'ok') continue;
        const { stage, code, message } = outcome.rejection;
        const fields = { event: 'reject', shard: index, stage, code, face: record.faceId };
        say(`${record.uri} is rejected: ${message}`, { level: 'debug', ...fields });
      }
    },
    shardEnded(end) {
      const { outcome, spec, seconds } = end;
      // A failed attempt is an error, and said by the worker with its number.
      if (spec === undefined || outcome === 'failed') return;
      const fields = {
        level: 'debug',
        event: 'shard',
        shard: spec.index,
        outcome,
        seconds: Math.round(seconds * 1_000) / 1_000,
        ...(end.outcome === 'committed' && {
          faces: end.counters.faces,
          rejects: end.counters.rejected,
          variants: end.counters.variants,
        }),
      } as const;
      const what =
        outcome === 'taken' ? 'was committed by another attempt' : `is ${outcome.replace('-', ' ')}`;
      say(`shard ${spec.index} ${what}`, fields);
    },
  };
}
