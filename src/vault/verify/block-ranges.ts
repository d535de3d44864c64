/** More would not help a person, and a lost volume must not fill the report. */
const RANGES_SHOWN = 20;

/** Block numbers, added in ascending order, remembered as ranges. */
export class BlockRanges {
  count = 0;
  readonly #shown: { from: number; to: number }[] = [];
  #hidden = 0;

  add(from: number, to = from): void {
    this.count += to - from + 1;
    const last = this.#shown.at(-1);
    if (last && last.to + 1 === from && this.#hidden === 0) last.to = to;
    else if (this.#shown.length < RANGES_SHOWN) this.#shown.push({ from, to });
    else this.#hidden += to - from + 1;
  }

  /** `3, 17-25 and 1200 more` */
  get text(): string {
    const shown = this.#shown.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
    return this.#hidden === 0 ? shown : `${shown} and ${this.#hidden} more`;
  }
}
