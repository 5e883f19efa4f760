/** A look at an archive's first members: how its samples name people. */
import type { SourceFile } from '../../../shared/corpus/corpusSource.ts';
import { openForwardReader } from '../forwardReader.ts';
import { isImageName } from '../imageName.ts';
import { type TarDamage, tarMembers } from '../tar/tarMembers.ts';
import { sampleName } from './sampleKey.ts';
import type { FirstSamples } from './subjectRule.ts';

/** Enough for an unsorted archive, which may hold all images before the first label. */
const MEMBERS = 2_000;
const MAX_JSON_BYTES = 2 ** 20;

/** `damage`: what ended the look early. */
export async function firstSamples(
  file: SourceFile,
  signal: AbortSignal,
): Promise<FirstSamples & { readonly damage?: TarDamage }> {
  const reader = openForwardReader(file, signal);
  const extensions = new Set<string>();
  const imageKeys: string[] = [];
  let json: string | undefined;
  let members = 0;
  for await (const entry of tarMembers(reader)) {
    if (entry.kind === 'damage') return { extensions, imageKeys, json, damage: entry.damage };
    if (entry.kind === 'end' || ++members > MEMBERS) break;
    const { name, kind, offset, size } = entry.member;
    const found = name === undefined ? undefined : sampleName(name);
    if (kind !== 'file' || name === undefined || found === undefined) continue;
    extensions.add(found.extension);
    if (isImageName(name)) imageKeys.push(found.key);
    if (found.extension === 'json' && json === undefined && size <= MAX_JSON_BYTES) {
      json = new TextDecoder().decode(await reader.read(offset, size));
    }
  }
  return { extensions, imageKeys, json };
}
