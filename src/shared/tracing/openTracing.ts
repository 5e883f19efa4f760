/** Traces, turned on by OpenTelemetry's own variables: only then its SDK is loaded. */
import { ConfigError } from '../errors.ts';
import type { Say } from '../text/logFields.ts';
import { keepSecret } from '../text/secrets.ts';
import type { OtlpProtocol } from './otel.ts';
import type { Tracing } from './tracing.ts';

export interface TracingOptions {
  /** Asked for on the command line; otherwise the environment decides. */
  readonly asked: boolean;
  /** Name of the service when OTEL_SERVICE_NAME does not say. */
  readonly service: string;
  readonly say: Say;
}

/**
 * By OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_(TRACES_)ENDPOINT turns traces on, OTEL_SDK_DISABLED=true and
 * OTEL_TRACES_EXPORTER=none turn them off whatever else is said.
 *
 * @throws ConfigError when the protocol asked for is not spoken, or the endpoint is no URL of HTTP.
 */
export async function openTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { env } = process;
  // An empty variable is one that is not set: OpenTelemetry's rule.
  const named = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
    ? 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
    : 'OTEL_EXPORTER_OTLP_ENDPOINT';
  const endpoint = env[named] || undefined;
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none')
    return undefined;
  if (!options.asked && endpoint === undefined) return undefined;
  if (endpoint !== undefined && !isHttpUrl(endpoint)) {
    throw new ConfigError('bad-otlp-endpoint', `${named}: expected a URL such as http://host:4318`, {
      found: endpoint,
    });
  }
  keepHeaderSecrets(env.OTEL_EXPORTER_OTLP_HEADERS, env.OTEL_EXPORTER_OTLP_TRACES_HEADERS);
  const protocol = protocolOf(
    env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || undefined,
  );
  const { startTracing } = await import('./otel.ts');
  const tracing = startTracing({ ...options, protocol });
  options.say(`traces go to ${endpoint ?? 'http://localhost:4318'}`);
  return tracing;
}

/** `collector:4318`, without a scheme, is a URL too, to which nothing can be sent. */
function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

const OTLP_PROTOCOLS: readonly OtlpProtocol[] = ['http/protobuf', 'http/json'];

function protocolOf(asked: string | undefined): OtlpProtocol {
  const protocol = OTLP_PROTOCOLS.find((known) => known === (asked ?? OTLP_PROTOCOLS[0]));
  if (protocol !== undefined) return protocol;
  throw new ConfigError(
    'unknown-otlp-protocol',
    `OTEL_EXPORTER_OTLP_PROTOCOL: expected ${OTLP_PROTOCOLS.join(' or ')}`,
    {
      found: asked,
    },
  );
}

/** `name=value,…`, percent-encoded: API keys of a tracing service. */
function keepHeaderSecrets(...lists: (string | undefined)[]): void {
  for (const header of lists.flatMap((list) => list?.split(',') ?? [])) {
    const value = header.slice(header.indexOf('=') + 1).trim();
    keepSecret(value);
    try {
      keepSecret(decodeURIComponent(value));
    } catch {
      // Not encoded: kept as it is.
    }
  }
}
