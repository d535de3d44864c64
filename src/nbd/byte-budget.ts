/** A number of bytes that may be in memory at once; whoever wants more waits its turn. */
export class ByteBudget {
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** More than there is in all counts as all. Resolves in the order of the calls. */
  async spend<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length > 0 || bytes > this.#left) {
      await new Promise<void>((start) => this.#waiting.push({ bytes, start }));
    } else {
      this.#left -= bytes;
    }
    try {
      return await work();
    } finally {
      this.#left += bytes;
      this.#wake();
    }
  }

  #wake(): void {
    for (let next = this.#waiting[0]; next && next.bytes <= this.#left; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#left -= next.bytes;
      next.start();
    }
  }
}
