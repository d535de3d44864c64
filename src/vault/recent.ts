/** Keeps the values used latest. A value being made is shared by all who ask for it; a failed one is not kept. */
export class Recent<K, V> {
  readonly #kept = new Map<K, Promise<V>>();
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  has(key: K): boolean {
    return this.#kept.has(key);
  }

  find(key: K): Promise<V> | undefined {
    const value = this.#kept.get(key);
    return value && this.get(key, () => value);
  }

  get(key: K, make: () => Promise<V>): Promise<V> {
    const value = this.#kept.get(key) ?? make();
    // A map keeps the order of insertion: what was used latest goes to the end.
    this.#kept.delete(key);
    this.#kept.set(key, value);
    value.catch(() => {
      if (this.#kept.get(key) === value) this.#kept.delete(key);
    });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.#size && oldest !== undefined) this.#kept.delete(oldest);
    return value;
  }
}
