/**
 * Puts an image together without a container engine: each stage is a layer over this machine's own files (overlayfs),
 * each RUN a command in there. The base images are thus stand-ins: this machine with its own Node. To be used inside
 * `unshare --mount --pid` (scripts/test-infra.mjs), so that every mount ends with the test.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, realpath, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { environmentOf, lastOf, type Stage } from './dockerfile.ts';

export interface Builder {
  /** Root of the finished stage, mounted read-only, with a /tmp of its own. */
  build(name: string): Promise<Image>;
  close(): Promise<void>;
}

export interface Image {
  /** Runs a command as the image's user, as a container would. */
  start(command: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  /** The same to its end. @throws when it fails. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** Mounts a folder of this machine. */
  mount(folder: string, at: string, mode: 'ro' | 'rw'): Promise<void>;
  /** A path of the image as this machine sees it. */
  path(inside: string): string;
}

export interface BuilderOptions {
  readonly stages: ReadonlyMap<string, Stage>;
  /** Folder with what the build may see. */
  readonly context: string;
  /** RUN steps that cannot run here. */
  readonly skip: (command: string) => boolean;
}

interface Layer {
  /** What the stage and those below it have put over this machine's files. */
  readonly upper: string;
  readonly root: string;
  readonly workdir: string;
}

export async function createBuilder({ stages, context, skip }: BuilderOptions): Promise<Builder> {
  const folder = await mkdtemp(join(tmpdir(), 'posecast-layers-'));
  /** In their order. */
  const mounted: string[] = [];
  const mount = async (at: string, ...args: string[]): Promise<void> => {
    await sh('mount', ...args, at);
    mounted.push(at);
  };
  // In memory: tens of thousands of small files would keep the disk from everybody else.
  await mount(folder, '-t', 'tmpfs', '-o', 'size=8g,mode=755', 'tmpfs');
  /** What programs need of /dev and /proc. */
  const mountKernel = async (root: string): Promise<void> => {
    await mount(join(root, 'dev'), '-t', 'tmpfs', 'tmpfs');
    for (const name of ['null', 'zero', 'full', 'random', 'urandom']) {
      await writeFile(join(root, 'dev', name), '');
      await mount(join(root, 'dev', name), '--bind', `/dev/${name}`);
    }
    await mount(join(root, 'proc'), '-t', 'proc', 'proc');
  };
  const built = new Map<string, Promise<Layer>>();
  const stage = (name: string): Promise<Layer> => {
    let layers = built.get(name);
    if (layers === undefined) {
      layers = make(name);
      built.set(name, layers);
    }
    return layers;
  };

  async function make(name: string): Promise<Layer> {
    const { base, steps } = stages.get(name)!;
    const below = stages.has(base) ? await stage(base) : undefined;
    const upper = join(folder, `${name}-upper`);
    const root = join(folder, `${name}-root`);
    const work = join(folder, `${name}-work`);
    for (const path of [root, work]) await mkdir(path, { recursive: true });
    // Linked: a step may remove or replace what it finds, and writes into no file of the stage below.
    if (below !== undefined) await sh('cp', '-a', '--link', below.upper, upper);
    else await mkdir(upper);
    if (base.startsWith('node:')) await placeNode(upper);
    const layers = `lowerdir=/,upperdir=${upper},workdir=${work}`;
    await mount(root, '-t', 'overlay', 'overlay', '-o', layers);
    await mountKernel(root);
    let workdir = below?.workdir ?? '/';
    const env = { ...process.env, ...environmentOf(stages, name) };
    for (const { op, text } of steps) {
      if (op === 'WORKDIR') {
        workdir = text;
        await mkdir(join(root, workdir), { recursive: true });
      } else if (op === 'COPY') await copy(text, root, workdir);
      else if (op === 'RUN' && !skip(text)) {
        const there = ['sh', '-c', `cd "$0" && ${text}`, workdir];
        await promisify(execFile)('chroot', [root, ...there], { env, maxBuffer: 2 ** 26 });
      }
    }
    return { upper, root, workdir };
  }

  /** As Docker: of a folder its contents, into a folder; of a file the file, under the new name or into a folder. */
  async function copy(text: string, root: string, workdir: string): Promise<void> {
    const words = text.split(' ');
    const [, from] = /^--from=(.+)$/.exec(words[0] ?? '') ?? [];
    const paths = from === undefined ? words : words.slice(1);
    const sources = paths.slice(0, -1);
    const target = paths.at(-1)!;
    const base = from === undefined ? context : (await stage(from)).root;
    for (const source of sources) {
      const place = join(base, source);
      const into = join(root, target.startsWith('/') ? target : join(workdir, target));
      const isFolder = (await stat(place)).isDirectory();
      const end =
        !isFolder && (target.endsWith('/') || normalize(target) === './')
          ? join(into, basename(source))
          : into;
      await mkdir(isFolder ? end : dirname(end), { recursive: true });
      await sh('cp', '-a', '--reflink=auto', isFolder ? `${place}/.` : place, end);
    }
  }

  return {
    async build(name) {
      const { root } = await stage(name);
      await sh('mount', '-o', 'remount,ro', root);
      await mount(join(root, 'tmp'), '-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs');
      const user = lastOf(stages, name, 'USER') ?? '0:0';
      const [uid = '0', gid = uid] = user.split(':');
      const as = [
        'setpriv',
        '--reuid',
        uid,
        '--regid',
        gid,
        '--clear-groups',
        '--no-new-privs',
        '--bounding-set=-all',
      ];
      const options = (env: Readonly<Record<string, string>>) => ({
        env: {
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          HOME: '/',
          ...environmentOf(stages, name),
          ...env,
        },
      });
      return {
        start: (command, env = {}) =>
          spawn('chroot', [root, ...as, ...command], { ...options(env), stdio: ['ignore', 'pipe', 'pipe'] }),
        async run(command, env = {}) {
          const { stdout } = await promisify(execFile)('chroot', [root, ...as, ...command], options(env));
          return stdout;
        },
        async mount(place, at, mode) {
          await mount(join(root, at), '--bind', place);
          if (mode === 'ro') await sh('mount', '-o', 'remount,bind,ro', join(root, at));
        },
        path: (inside) => join(root, inside),
      };
    },
    async close() {
      for (const at of mounted.splice(0).reverse()) await sh('umount', '--lazy', at);
      await rmdir(folder);
    },
  };
}

/** Where the official image has it. */
async function placeNode(upper: string): Promise<void> {
  const bin = join(upper, 'usr', 'local', 'bin');
  const modules = join(upper, 'usr', 'local', 'lib', 'node_modules');
  for (const path of [bin, modules]) await mkdir(path, { recursive: true });
  await cp(process.execPath, join(bin, 'node'));
  const npm = await realpath('/usr/bin/npm').catch(() => realpath('/usr/local/bin/npm'));
  // …/npm/bin/npm-cli.js
  await cp(dirname(dirname(npm)), join(modules, 'npm'), { recursive: true });
}

async function sh(program: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(program, args);
}

/** The patterns of a .dockerignore that lets single paths in: `*`, then `!path`. */
export async function allowedPaths(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines[0] !== '*' || lines.slice(1).some((line) => !/^!\/?[\w./-]+$/.test(line))) {
    throw new Error(`${file}: expected * and then !path, found something else`);
  }
  return lines.slice(1).map((line) => line.slice(1));
}
