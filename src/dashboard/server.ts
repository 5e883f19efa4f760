/** The server of `posecast dashboard`: its address, its life. What it answers is in `app.ts`. */
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import { ConfigError } from '../shared/errors.ts';
import { type AppOptions, dashboardApp } from './app.ts';

export interface DashboardOptions extends AppOptions {
  /** 0: any that is free. */
  readonly port: number;
}

export interface Dashboard {
  /** Without the token. */
  readonly url: string;
  close(): Promise<void>;
}

/** @throws ConfigError when the port cannot be had. */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const app = await dashboardApp(options);
  const server = createAdaptorServer({ fetch: app.fetch });
  const port = await listen(server, options);
  // Every address of the machine: its name is one that others can use.
  const reached = ['0.0.0.0', '::'].includes(options.host) ? hostname() : options.host;
  const host = reached.includes(':') ? `[${reached}]` : reached;
  return {
    url: `http://${host}:${port}/`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: ServerType, { host, port }: DashboardOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const facts = { host, port, found: error.code };
      reject(
        new ConfigError(
          'no-port',
          'dashboard: expected an address and port of this machine that are free; --port 0 takes any',
          facts,
        ),
      );
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
