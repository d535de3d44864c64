/** What reading cost the store so far: what a bill or a slow line shows. */
export class ReadCounters {
  #requests = 0;
  #bytes = 0;
  #cachedBlocks = 0;

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Blocks that the cache on the local disk had. */
  get cachedBlocks(): number {
    return this.#cachedBlocks;
  }

  count(bytes: number): void {
    this.#requests++;
    this.#bytes += bytes;
  }

  countCached(): void {
    this.#cachedBlocks++;
  }
}
