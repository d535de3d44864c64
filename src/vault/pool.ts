/** A fixed number of things that are lent out; whoever finds none waits its turn. */
export class Pool<T> {
  readonly #free: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];
  readonly #make: () => T;
  #unmade: number;

  /** Makes at most `size` things, the first time they are needed. */
  constructor(size: number, make: () => T) {
    this.#unmade = size;
    this.#make = make;
  }

  async take(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#unmade > 0) {
      this.#unmade--;
      return this.#make();
    }
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(onItem), 1);
        reject(signal.reason);
      };
      const onItem = (item: T) => {
        signal.removeEventListener('abort', onAbort);
        resolve(item);
      };
      this.#waiting.push(onItem);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  give(item: T): void {
    const next = this.#waiting.shift();
    if (next) next(item);
    else this.#free.push(item);
  }

  /** Something lent out was lost: a new one takes its place. */
  replace(): void {
    this.give(this.#make());
  }
}
