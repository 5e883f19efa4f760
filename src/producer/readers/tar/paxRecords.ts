/**
 * The records of a pax header: `LENGTH KEY=VALUE\n`, LENGTH in decimal bytes of the whole record (POSIX.1, "pax
 * Extended Header"). Values may hold any byte, so that only the length says where they end.
 */

const NEWLINE = 0x0a;

/** Later records win. A string: what is wrong, with the byte it starts at. */
export function parsePaxRecords(body: Uint8Array): ReadonlyMap<string, Uint8Array> | string {
  const records = new Map<string, Uint8Array>();
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  for (let at = 0; at < bytes.length; ) {
    // Some writers fill the block up with NULs and count them.
    if (bytes[at] === 0) break;
    const blank = bytes.indexOf(' ', at);
    const length = blank < 0 ? '' : bytes.toString('latin1', at, blank);
    const end = at + Number(length);
    if (!/^\d{1,9}$/.test(length) || end <= blank + 1 || end > bytes.length || bytes[end - 1] !== NEWLINE) {
      return `expected a pax record, found something else at byte ${at} of the pax header`;
    }
    const equals = bytes.indexOf('=', blank + 1);
    if (equals < 0 || equals >= end) {
      return `expected KEY=VALUE in a pax record, found no '=' at byte ${at} of the pax header`;
    }
    records.set(bytes.toString('utf8', blank + 1, equals), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}
