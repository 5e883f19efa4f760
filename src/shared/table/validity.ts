/** The null bits of a column that is filled row by row; nothing is kept while no row is null. */
export class Validity {
  nullCount = 0;
  private bits: Uint8Array | undefined;

  addNull(row: number): void {
    const byte = row >> 3;
    if (this.bits === undefined || byte >= this.bits.length) {
      const larger = new Uint8Array(Math.max(1024, 2 * (byte + 1))).fill(255);
      if (this.bits !== undefined) larger.set(this.bits);
      this.bits = larger;
    }
    this.bits[byte] = this.bits[byte]! & ~(1 << (row & 7));
    this.nullCount++;
  }

  /** One bit a row, least significant first, 1 = present; undefined when no row is null. */
  finish(rows: number): Uint8Array | undefined {
    if (this.bits === undefined) return undefined;
    const bytes = Math.ceil(rows / 8);
    if (bytes <= this.bits.length) return this.bits.subarray(0, bytes);
    const all = new Uint8Array(bytes).fill(255);
    all.set(this.bits);
    return all;
  }
}
