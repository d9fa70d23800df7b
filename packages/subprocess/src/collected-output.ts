/** What a process has written to one of its ends, piece by piece. */
export class CollectedOutput {
  #pieces: Buffer[] = [];

  add(piece: Buffer): void {
    if (piece.length > 0) this.#pieces.push(piece);
  }

  /** All of it. Joined once: more may come, and all of it be asked for again. */
  get whole(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0] ?? EMPTY;
  }
}

const EMPTY = Buffer.alloc(0);
