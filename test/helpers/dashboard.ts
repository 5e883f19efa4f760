/** A dashboard in this process, on a free port, for one test. */
import { openBoard } from '../../src/dashboard/board.ts';
import { openRedisLink, type RedisLink } from '../../src/dashboard/data/redisLink.ts';
import { tokenFor } from '../../src/dashboard/guard.ts';
import { type DashboardOptions, startDashboard } from '../../src/dashboard/server.ts';
import { openStore } from '../../src/shared/store/openStore.ts';

export interface TestDashboard {
  /** Ends with a slash. */
  readonly url: string;
  /** What it said on the terminal. */
  readonly said: readonly string[];
}

export interface TestDashboardOptions
  extends Partial<Pick<DashboardOptions, 'host' | 'token' | 'allowHosts' | 'allowActions'>> {
  readonly redis?: string;
}

export async function withDashboard<T>(
  outs: readonly string[],
  options: TestDashboardOptions,
  run: (dashboard: TestDashboard) => Promise<T>,
): Promise<T> {
  const said: string[] = [];
  const warn = (line: string) => void said.push(line);
  const { host = '127.0.0.1', allowActions = false, allowHosts = [] } = options;
  let link: RedisLink | undefined;
  if (options.redis !== undefined) link = await openRedisLink(options.redis, warn);
  try {
    const board = await openBoard({
      named: outs.map((out) => ({ out, runId: undefined })),
      link,
      openStore: (out) => openStore(out, { access: allowActions ? 'write' : 'read' }),
    });
    try {
      const token = tokenFor(host, options.token);
      const server = await startDashboard({ board, host, port: 0, token, allowHosts, allowActions, warn });
      try {
        return await run({ url: server.url, said });
      } finally {
        await server.close();
      }
    } finally {
      await board.close();
    }
  } finally {
    await link?.close();
  }
}
