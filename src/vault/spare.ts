/** Large things that are used again and again: as many as are given back are kept, up to `most`. Nobody waits for one. */
export class Spare<T> {
  readonly #kept: T[] = [];
  readonly #most: number;
  readonly #make: () => T;

  constructor(most: number, make: () => T) {
    this.#most = most;
    this.#make = make;
  }

  take(): T {
    return this.#kept.pop() ?? this.#make();
  }

  give(item: T): void {
    if (this.#kept.length < this.#most) this.#kept.push(item);
  }
}
