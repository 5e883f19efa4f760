/** The only file that knows OpenTelemetry's SDK; loaded when traces are asked for. */

import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { type Span as QueueSpan, SpanKind as QueueSpanKind, type Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import { describeError } from '../errors.ts';
import { version } from '../package.ts';
import type { Say } from '../text/logFields.ts';
import type { Tracing } from './tracing.ts';

/** A collector that is away must not keep a process that has ended its work. */
const CLOSE_MS = 5_000;
/** Spans that wait to be sent; a chunk of shards is queued at once. OTEL_BSP_MAX_QUEUE_SIZE says otherwise. */
const QUEUE_SPANS = 8_192;

export type OtlpProtocol = 'http/protobuf' | 'http/json';

export interface StartTracingOptions {
  /** Name of the service when OTEL_SERVICE_NAME does not say. */
  readonly service: string;
  /** Hears, once, that traces cannot be delivered. */
  readonly say: Say;
  readonly protocol: OtlpProtocol;
}

export function startTracing({ service, say, protocol }: StartTracingOptions): Tracing {
  let said = false;
  const lost = (reason: string): void => {
    if (!said) say(`traces cannot be delivered (${reason})`, { level: 'warn', code: 'no-traces' });
    said = true;
  };
  // The exporter tries again by itself; what it gives up is lost, and said once.
  setGlobalErrorHandler((error) => lost(describeError(error)));
  const exporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
  const processor = new BatchSpanProcessor(exporter, {
    ...(process.env.OTEL_BSP_MAX_QUEUE_SIZE === undefined && { maxQueueSize: QUEUE_SPANS }),
  });
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.version': version,
      'host.name': hostname(),
      'process.pid': process.pid,
    }).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [processor],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  const tracer = trace.getTracer('posecast', version);
  const queue = queueTelemetry();

  return {
    queue,
    enqueue({ runId, index, rowStart, rowEnd }) {
      const span = tracer.startSpan('enqueue shard', {
        kind: SpanKind.PRODUCER,
        root: true,
        attributes: { 'posecast.run': runId, 'posecast.shard': index, 'posecast.faces': rowEnd - rowStart },
      });
      const metadata = queue.contextManager.getMetadata(trace.setSpan(ROOT_CONTEXT, span));
      return { metadata, end: () => span.end() };
    },
    processed({ attributes, parts, failure }) {
      const span = trace.getActiveSpan();
      if (span === undefined) return;
      span.setAttributes(attributes);
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      const { 'posecast.run': run, 'posecast.shard': shard } = attributes;
      for (const part of parts) {
        tracer
          .startSpan(part.name, {
            startTime: part.startedAt,
            attributes: { 'posecast.run': run, 'posecast.shard': shard, ...part.attributes },
          })
          .end(part.endedAt);
      }
    },
    async close() {
      const late = sleep(CLOSE_MS, `no answer within ${CLOSE_MS / 1_000} s`, { ref: false });
      const failure = await Promise.race([provider.shutdown().catch(describeError), late]);
      if (failure !== undefined) lost(failure);
    },
  };
}

/**
 * BullMQ's spans without those about its own housekeeping: an idle worker would make a trace of nothing every few
 * seconds. What another process wrote into a job is not trusted to be metadata.
 */
function queueTelemetry(): Telemetry {
  const { tracer, contextManager } = new BullMQOtel({
    tracerName: 'posecast',
    version,
    enableMetrics: false,
  });
  return {
    tracer: {
      // BullMQ's name of it holds the run: there would be as many kinds of spans as runs.
      startSpan: (_name, options, parent) =>
        options?.kind === QueueSpanKind.CONSUMER
          ? tracer.startSpan('process shard', options, parent)
          : NO_SPAN,
    },
    contextManager: {
      with: (active, work) => contextManager.with(active, work),
      active: () => contextManager.active(),
      root: () => ROOT_CONTEXT,
      getMetadata: (active) => contextManager.getMetadata(active),
      fromMetadata(active, metadata) {
        try {
          return contextManager.fromMetadata(active, metadata);
        } catch {
          return active;
        }
      },
    },
  };
}

const NO_SPAN: QueueSpan = {
  setSpanOnContext: (active) => active,
  setAttribute() {},
  setAttributes() {},
  addEvent() {},
  recordException() {},
  end() {},
};
