/** Runs bodies of the same name one after another, in the order they came; names do not wait for each other. */
export class OneAtATime {
  readonly #tails = new Map<string, Promise<unknown>>();

  async run<T>(name: string, body: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const result = before.then(body, body);
    const tail = result
      .catch(() => undefined)
      .finally(() => {
        if (this.#tails.get(name) === tail) this.#tails.delete(name);
      });
    this.#tails.set(name, tail);
    return result;
  }
}
