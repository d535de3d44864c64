/** TypeScript knows it from the browser's library only; every Node has it. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

const PAGE_BYTES = 1 << 16;

/**
 * Memory that begins at a page's border, as writing past the page cache asks for. Nothing else in Node does: other memory
 * comes from malloc, which puts its head before it.
 */
export function alignedRoom(bytes: number): Uint8Array {
  return new Uint8Array(new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) }).buffer, 0, bytes);
}
