const NEWLINE = 10;
const BEGINS = 'COPY ';
const ENDS = ' FROM stdin;';

/** Counts the rows of SQL as pg_dump writes it: each line between a COPY and its end is one, however long it is. */
export class CopiedRows {
  #rows = 0;
  #inside = false;
  /** First and last characters of the line so far; no more is needed of it. */
  #first = '';
  #last = '';

  get rows(): number {
    return this.#rows;
  }

  add(chunk: Buffer): void {
    for (let at = 0; at <= chunk.length; ) {
      const newline = chunk.indexOf(NEWLINE, at);
      const piece = chunk.subarray(at, newline < 0 ? chunk.length : newline);
      this.#first = (this.#first + piece.toString('latin1', 0, BEGINS.length)).slice(0, BEGINS.length);
      this.#last = (this.#last + piece.subarray(-ENDS.length).toString('latin1')).slice(-ENDS.length);
      if (newline < 0) return;
      this.#endLine();
      at = newline + 1;
    }
  }

  #endLine(): void {
    if (!this.#inside) this.#inside = this.#first === BEGINS && this.#last === ENDS;
    else if (this.#first === '\\.') this.#inside = false;
    else this.#rows++;
    [this.#first, this.#last] = ['', ''];
  }
}
