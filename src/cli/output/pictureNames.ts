import { createHash } from 'node:crypto';

/** Bytes of a file name at most, with room for a digest and an ending. */
const MOST_BYTES = 200;

/**
 * Names for the pictures of one command: letters and digits of any script, `.`, `_` and `-`. What had to be changed has
 * a digest at its end, and what came before a number, so that nobody's picture takes the place of another's.
 */
export function pictureNames(): (words: string) => string {
  const taken = new Set<string>();
  return (words) => {
    const plain = cut(words.replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, '_'));
    const name = plain === words ? plain : `${plain}-${digestOf(words)}`;
    let free = name;
    // Not every file system tells capitals from small letters.
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${name}-${n}`;
    taken.add(free.toLowerCase());
    return free;
  };
}

function cut(name: string): string {
  let end = name.length;
  while (Buffer.byteLength(name.slice(0, end)) > MOST_BYTES) end--;
  return name.slice(0, end);
}

function digestOf(words: string): string {
  return createHash('sha256').update(words).digest('hex').slice(0, 8);
}
