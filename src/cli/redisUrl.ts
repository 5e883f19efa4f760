/** Which Redis a command works with: that of --redis, else that of REDIS_URL. */
import { ConfigError } from '../shared/errors.ts';

export interface RedisFlag {
  readonly redis?: string;
}

export function redisUrlOf({ redis }: RedisFlag): string | undefined {
  return redis ?? process.env.REDIS_URL;
}

/** For a command that can do nothing without one; @throws ConfigError when neither says one. */
export function requireRedisUrl(flags: RedisFlag, command: string): string {
  const url = redisUrlOf(flags);
  if (url !== undefined) return url;
  throw new ConfigError('no-redis-url', `${command}: expected --redis or REDIS_URL, found neither`);
}
