/** Which Redis a command works with: that of --redis, else that of REDIS_URL. */
import { ConfigError } from '../../shared/errors.ts';
import { parseRedisUrl } from '../../shared/redis/redis.ts';

export interface RedisFlag {
  readonly redis?: string;
}

/** Undefined: neither says one; an empty variable counts as none. @throws ConfigError for what is no URL of a Redis. */
export function redisUrlOf({ redis }: RedisFlag): string | undefined {
  const url = redis ?? (process.env.REDIS_URL || undefined);
  if (url !== undefined) parseRedisUrl(url, redis === undefined ? 'REDIS_URL' : '--redis');
  return url;
}

/** For a command that can do nothing without one; @throws ConfigError when neither says one. */
export function requireRedisUrl(flags: RedisFlag, command: string): string {
  const url = redisUrlOf(flags);
  if (url !== undefined) return url;
  throw new ConfigError('no-redis-url', `${command}: expected --redis or REDIS_URL, found neither`);
}
