/** Archives for tests, written by other programs: GNU tar, and the npm package tar. */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { Header, Pax } from 'tar';

const version = spawnSync('tar', ['--version'], { encoding: 'utf8' });
/** Why a test that needs it is skipped; false: GNU tar is here. */
export const noGnuTar: string | false = /GNU tar/.test(version.stdout ?? '') ? false : 'needs GNU tar';

/** Runs GNU tar in a folder. */
export function gnuTar(folder: string, ...args: string[]): void {
  const { status, stderr } = spawnSync('tar', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`tar ${args.join(' ')}: ${stderr}`);
}

type HeaderFields = ConstructorParameters<typeof Header>[0] & object;

/** One member as bytes: its header by the npm package, whatever the body. */
export function member(path: string, body: Uint8Array | string, fields: Partial<HeaderFields> = {}): Buffer {
  const content = Buffer.from(body);
  const all = {
    path,
    size: content.length,
    type: 'File',
    mode: 0o644,
    mtime: new Date(0),
    ...fields,
  } as HeaderFields;
  const block = Buffer.alloc(512);
  const header = new Header(all);
  const needsPax = header.encode(block);
  const pax = needsPax ? new Pax(all as ConstructorParameters<typeof Pax>[0]).encode() : Buffer.alloc(0);
  return Buffer.concat([pax, block, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

export const END = Buffer.alloc(1024);

/** An archive of these members in this order, ended as it should be. */
export async function writeTar(path: string, members: readonly (readonly [string, Uint8Array | string])[]) {
  await writeFile(path, Buffer.concat([...members.map(([name, body]) => member(name, body)), END]));
}
