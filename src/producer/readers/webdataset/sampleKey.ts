/**
 * WebDataset's rule: members whose names are equal up to the first dot of the base name belong to one sample; the rest
 * of the name, in lower case, says what the member is (`webdataset.tariterators.base_plus_ext`).
 */

export interface SampleName {
  /** Folder and base name up to the first dot: `anna/0001`. */
  readonly key: string;
  /** After the first dot, in lower case: `jpg`, `seg.png`. */
  readonly extension: string;
}

/** Undefined: the name has no dot, or nothing before it (hidden files, `._` files of macOS). */
export function sampleName(member: string): SampleName | undefined {
  const [, key, extension] = /^((?:.*\/)?[^./][^./]*)\.([^/]+)$/s.exec(member) ?? [];
  if (key === undefined || extension === undefined) return undefined;
  return { key: key.replace(/^(?:\.\/)+/, ''), extension: extension.toLowerCase() };
}
