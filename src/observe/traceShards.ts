/** Shards as spans: attributes on BullMQ's span of the processing, and a child for each part. */
import type { SpanAttributes, Tracing } from '../shared/tracing/tracing.ts';
import type { WorkObserver } from '../worker/workObserver.ts';

export function traceShards(tracing: Tracing): WorkObserver {
  return {
    shardEnded(end) {
      const { outcome, runId, spec, stages, stagesMs } = end;
      const inThreads = Object.entries(stagesMs).filter(([name]) =>
        stages.every(({ stage }) => stage !== name),
      );
      const attributes: SpanAttributes = {
        'posecast.run': runId,
        'posecast.outcome': outcome,
        ...(spec && { 'posecast.shard': spec.index, 'posecast.faces': spec.rowEnd - spec.rowStart }),
        ...(end.outcome === 'committed' && {
          'posecast.rejects': end.counters.rejected,
          'posecast.variants': end.counters.variants,
        }),
        ...(end.outcome === 'failed' && { 'posecast.code': end.failure.code }),
        // They overlap over batches and threads: a span could not show them.
        ...Object.fromEntries(inThreads.map(([stage, ms]) => [`posecast.seconds.${stage}`, ms / 1_000])),
      };
      tracing.processed({
        attributes,
        parts: stages.map(({ stage, startedAt, endedAt, ms, times }) => ({
          name: stage,
          startedAt,
          endedAt,
          // Batches overlap: together they may have taken longer than from the first to the last.
          attributes: { 'posecast.seconds': ms / 1_000, 'posecast.times': times },
        })),
        ...(end.outcome === 'failed' && { failure: end.failure.message }),
      });
    },
  };
}
