/** What a process has written to one of its ends, piece by piece. */
export class CollectedOutput {
  #pieces: Buffer[] = [];
  // Those of the pieces that nobody else has: their memory can be given back.
  #owned: Buffer[] = [];

  /** Adds a piece that somebody else may have, too. */
  add(piece: Buffer): void {
    if (piece.length > 0) this.#pieces.push(piece);
  }

  /** Adds a piece that nobody else has. */
  addOwned(piece: Buffer): void {
    this.add(piece);
    this.#owned.push(piece);
  }

  /** All of it. More may come, and all of it be asked for again. */
  get whole(): Buffer {
    if (this.#pieces.length > 1) {
      this.#pieces = [Buffer.concat(this.#pieces)];
      for (const piece of this.#owned) free(piece);
    }
    this.#owned = [];
    return this.#pieces[0] ?? EMPTY;
  }
}

const EMPTY = Buffer.alloc(0);

/**
 * Gives memory back at once. The garbage collector would do it late: until then there is twice as much as
 * needed, all of it in cold pages, and the next `fork()` copies the tables of them.
 */
function free({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
