// A copy reads in one place, a booting machine or a copy over several connections in a handful at a time.
const PLACES = 8;

interface Place {
  /** The last block that was read there. */
  last: number;
  /** Blocks to have ready behind it. */
  ahead: number;
}

/**
 * Tells readers that go on from readers that jump. Whoever reads the next block gets twice as many ahead as before, up
 * to `most`; whoever jumps gets none, so that a file system's scattered blocks cost what they are.
 */
export class ReadAhead {
  readonly #places: Place[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many blocks behind `to` this read of blocks [from, to) makes worth having. */
  next(from: number, to: number): number {
    const known = this.#places.findIndex(({ last }) => last === from || last + 1 === from);
    const [place = { last: from, ahead: 0 }] = known < 0 ? [] : this.#places.splice(known, 1);
    const last = to - 1;
    if (known >= 0 && last > place.last) place.ahead = Math.min(this.#most, Math.max(1, place.ahead * 2));
    place.last = Math.max(place.last, last);
    // The latest comes last; the place that was left longest ago is forgotten.
    this.#places.push(place);
    if (this.#places.length > PLACES) this.#places.shift();
    return place.ahead;
  }
}
