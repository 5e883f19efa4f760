/** Connects to Redis; the only place that makes a client. Messages name host and port, never the credentials. */
import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { ConfigError, describeError } from '../errors.ts';
import { keepSecret } from '../text/secrets.ts';

/** Everything a preflight may take; commands must fail within 5 s. */
const PREFLIGHT_MS = 4_000;

/** Longest wait between two attempts to reach a Redis that went away during a run. */
const RECONNECT_MS = 5_000;

/**
 * A server that took a command and says nothing for this long is gone: a machine that lost its network closes no
 * connection, and the system would notice only after a quarter of an hour. Longer than any blocking command waits (10
 * s).
 */
const SILENCE_MS = 30_000;

/** BullMQ's scripts need it. */
const MIN_VERSION = [6, 2] as const;

export interface ConnectOptions {
  /** Receives lines for a person: an unsafe setting, a lost connection, its return. */
  readonly warn?: (line: string) => void;
}

/**
 * A client that survives outages: it reconnects for ever and keeps commands until it is back, as BullMQ asks of
 * the clients it is given. Close it with `closeRedis`.
 * @throws ConfigError within 5 s when there is no usable Redis.
 */
export async function connectRedis(url: string, options: ConnectOptions = {}): Promise<Redis> {
  const { warn = () => {} } = options;
  const address = parseRedisUrl(url);
  await preflight(address, warn);
  const redis = new Redis({
    socketTimeout: SILENCE_MS,
    ...address.options,
    maxRetriesPerRequest: null,
    // Connects by itself, as do the clients that BullMQ makes after this one: `connect()` gives up for good when the
    // connection breaks while it is made.
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 10), RECONNECT_MS),
    // A primary that became a replica keeps its connections: the name may lead to the new primary meanwhile.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let lost = false;
  redis.on('error', (error) => {
    if (!lost) warn(`redis ${address.label}: connection lost, trying again (${describeError(error)})`);
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) warn(`redis ${address.label}: connected again`);
    lost = false;
  });
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()));
  return redis;
}

/** Ends a client's connection; also when Redis is gone. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status !== 'ready') return redis.disconnect();
  const timer = setTimeout(() => redis.disconnect(), 1_000);
  try {
    await redis.quit();
  } catch {
    // The connection broke while it was being closed: closed all the same.
    redis.disconnect();
  } finally {
    clearTimeout(timer);
  }
}

interface RedisAddress {
  /** host:port, for people. */
  readonly label: string;
  readonly options: {
    host: string;
    port: number;
    db: number;
    username?: string;
    password?: string;
    /** Names only: the handshake has no place for an address. The certificate is checked for either. */
    tls?: { servername?: string };
  };
}

/**
 * `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.
 * @param from what said it, for the message.
 * @throws ConfigError for anything else.
 */
export function parseRedisUrl(url: string, from = 'Redis'): RedisAddress {
  // The URL itself never goes into a message: it may hold a password. The example is one that withoutSecrets leaves
  // alone.
  const expected = `${from}: expected a URL like redis://host:6379/0 (user:password@ goes before the host)`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) throw new ConfigError('bad-redis-url', `${expected}, found something else`);
  if (parsed.protocol !== 'redis:' && parsed.protocol !== 'rediss:') {
    // Not shown: in `password@host:port`, without a scheme, it may be the password.
    throw new ConfigError('bad-redis-url', `${expected}, found another scheme`);
  }
  if (`${parsed.pathname}${parsed.search}${parsed.hash}`.includes('@')) {
    // What stands for the host now is the user or a piece of the password.
    throw new ConfigError(
      'bad-redis-url',
      `${expected}, found / ? or # in the password: write %2F, %3F or %23`,
    );
  }
  if (`${parsed.search}${parsed.hash}` !== '') {
    throw new ConfigError(
      'bad-redis-url',
      `${expected}, found ? or #: a database is named as in redis://host:6379/3`,
    );
  }
  if (parsed.hostname === '') throw new ConfigError('bad-redis-url', `${expected}, found no host`);
  const database = parsed.pathname.slice(1);
  if (!/^\d*$/.test(database))
    throw new ConfigError('bad-redis-url', `${expected}, found a database that is no number`);
  const username = decoded(parsed.username, expected);
  const password = decoded(parsed.password, expected);
  keepSecret(password, parsed.password);
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = parsed.port === '' ? 6379 : Number(parsed.port);
  return {
    label: `${parsed.hostname}:${port}`,
    options: {
      host,
      port,
      db: Number(database),
      ...(username !== '' && { username }),
      ...(password !== '' && { password }),
      ...(parsed.protocol === 'rediss:' && { tls: isIP(host) === 0 ? { servername: host } : {} }),
    },
  };
}

function decoded(text: string, expected: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError('bad-redis-url', `${expected}, found a % in the password: write %25`);
  }
}

/** One short connection that may fail: is there a Redis, does it let us in, is it fit for a queue? */
async function preflight(address: RedisAddress, warn: (line: string) => void): Promise<void> {
  const probe = new Redis({
    ...address.options,
    connectTimeout: PREFLIGHT_MS,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    lazyConnect: true,
  });
  // A failed connection rejects with "Connection is closed" only; the reason comes as an event.
  let reason: unknown;
  probe.on('error', (error) => {
    reason ??= error;
  });
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PREFLIGHT_MS / 1000} s`)), PREFLIGHT_MS);
  });
  try {
    const info = await Promise.race([probe.connect().then(() => probe.info()), tooLate]);
    if (reason !== undefined) throw reason;
    checkServer(address.label, info, warn);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError('no-redis', `Redis at ${address.label}: expected a server that answers`, {
      found: describeError(reason ?? error),
    });
  } finally {
    clearTimeout(timer);
    // Of a connection that has ended, it would wait two seconds for another end.
    if (probe.status !== 'end') probe.disconnect();
  }
}

function checkServer(label: string, info: string, warn: (line: string) => void): void {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const version = field('redis_version') ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1])) {
    throw new ConfigError('old-redis', `Redis at ${label}: expected version 6.2 or later, found ${version}`);
  }
  // Valkey calls it server_mode.
  const mode = field('redis_mode') ?? field('server_mode') ?? 'standalone';
  if (mode !== 'standalone') {
    throw new ConfigError(
      'redis-mode',
      `Redis at ${label}: expected a standalone server, found mode ${mode}; a queue needs all its keys on one server`,
    );
  }
  if (field('role') === 'slave') {
    throw new ConfigError(
      'replica-redis',
      `Redis at ${label}: expected a primary, found a read-only replica`,
    );
  }
  const policy = field('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    warn(
      `redis ${label}: maxmemory-policy is ${policy}; under memory pressure jobs can vanish, set noeviction`,
    );
  }
}
