/** The part of the WebAssembly JavaScript interface that is used here: it comes with the types of browsers only. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: unknown;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
    /** By so many pages of 64 KiB. */
    grow(pages: number): number;
  }
}
