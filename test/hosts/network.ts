/**
 * Machines of a network as Linux sees them: each host is a network namespace with an address and a name of its own, all
 * on one switch. To be used inside `unshare --mount --net --pid` (scripts/test-hosts.mjs): namespaces, links and
 * processes then end with the test in whatever way it ends, and the machine's own network is never touched.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Host {
  readonly name: string;
  readonly address: string;
  /** The start of a command line that runs the rest of it on this host. */
  readonly through: readonly string[];
  /** Pulls the cable: what is sent is lost, and nobody is told. */
  cut(): Promise<void>;
  plugIn(): Promise<void>;
}

export interface Network {
  /** Where the test itself is. */
  readonly ownAddress: string;
  addHost(name: string): Promise<Host>;
}

/** Of the range for tests between network devices (RFC 2544): in use nowhere. */
const PREFIX = '198.18.0';
const SWITCH = 'switch';

export async function openNetwork(): Promise<Network> {
  // Over the machine's own list of namespaces, in this mount namespace alone.
  await run('mkdir', '-p', '/run/netns');
  await run('mount', '-t', 'tmpfs', 'tmpfs', '/run/netns');
  const ownAddress = `${PREFIX}.1`;
  await run('ip', 'link', 'set', 'lo', 'up');
  await run('ip', 'link', 'add', SWITCH, 'type', 'bridge');
  await run('ip', 'addr', 'add', `${ownAddress}/24`, 'dev', SWITCH);
  await run('ip', 'link', 'set', SWITCH, 'up');
  let hosts = 1;
  return {
    ownAddress,
    async addHost(name) {
      const address = `${PREFIX}.${++hosts}`;
      const port = `port-${name}`;
      await run('ip', 'netns', 'add', name);
      await run('ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
      await run('ip', 'link', 'set', port, 'master', SWITCH, 'up');
      await run('ip', '-n', name, 'link', 'set', 'lo', 'up');
      await run('ip', '-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      await run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
      return {
        name,
        address,
        // Each of them becomes the next one, so the process id is that of the last.
        through: [
          ...['ip', 'netns', 'exec', name, 'unshare', '--uts'],
          ...['sh', '-c', 'hostname "$0" && exec "$@"', name],
        ],
        // The port of the switch and not the host's end: the host sees a link without a carrier's news, as behind a
        // switch that died.
        cut: () => run('ip', 'link', 'set', port, 'nomaster'),
        plugIn: () => run('ip', 'link', 'set', port, 'master', SWITCH),
      };
    },
  };
}

async function run(program: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(program, args);
}
