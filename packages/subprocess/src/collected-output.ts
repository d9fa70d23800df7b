// With less output than this, in bytes, it does not matter how it is collected.
const MUCH = 131_072;

/**
 * What a process has written to one of its ends.
 *
 * Pieces that are joined at the end take twice as much memory, half of it cold. So when much comes, and there is a
 * guess how much it will be, memory for that is taken once: each piece is copied to its place, and its own memory is
 * there for the next one.
 */
export class CollectedOutput {
  readonly #expected: number;
  #size = 0;
  // All of it, at the beginning of this memory; or, without that, in pieces.
  #memory: Buffer | null = null;
  #pieces: Buffer[] = [];
  // Those of the pieces that nobody else has: their memory can be given back.
  #owned: Buffer[] = [];

  /** @param expected how many bytes will come, as a guess; zero without one. */
  constructor(expected: number) {
    this.#expected = expected;
  }

  /** Adds a piece that somebody else may have, too. */
  add(piece: Buffer): void {
    const start = this.#size;
    this.#size += piece.length;
    this.#prepare(start);
    if (this.#memory !== null) this.#memory.set(piece, start);
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  /** Adds a piece that nobody else has. */
  addOwned(piece: Buffer): void {
    this.add(piece);
    if (this.#memory !== null) free(piece);
    else this.#owned.push(piece);
  }

  /** All of it. More may come, and all of it be asked for again. */
  get whole(): Buffer {
    if (this.#memory !== null) this.#pieces = [filledPart(this.#memory, this.#size)];
    else if (this.#pieces.length > 1) this.#pieces = [this.#joined(this.#size)];
    this.#memory = null;
    this.#owned = [];
    return this.#pieces[0] ?? EMPTY;
  }

  /** Takes memory when it is time, and gives it up when it does not suffice. */
  #prepare(filled: number): void {
    const isUseful = this.#size >= MUCH && this.#size <= this.#expected;
    if (isUseful) {
      this.#memory ??= this.#joined(this.#expected);
    } else if (this.#memory !== null) {
      this.#pieces = [this.#memory.subarray(0, filled)];
      this.#owned = [this.#memory];
      this.#memory = null;
    }
  }

  /** All pieces, at the beginning of new memory. */
  #joined(capacity: number): Buffer {
    const memory = Buffer.allocUnsafeSlow(capacity);
    let end = 0;
    for (const piece of this.#pieces) {
      memory.set(piece, end);
      end += piece.length;
    }
    for (const piece of this.#owned) free(piece);
    this.#pieces = [];
    this.#owned = [];
    return memory;
  }
}

const EMPTY = Buffer.alloc(0);

/** What is filled of `memory`, without keeping all of it for little. */
function filledPart(memory: Buffer, size: number): Buffer {
  const part = memory.subarray(0, size);
  return 2 * size >= memory.length ? part : Buffer.from(part);
}

/**
 * Gives memory back at once. The garbage collector would do it late: until then there is twice as much as
 * needed, all of it in cold pages, and the next `fork()` copies the tables of them.
 */
function free({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
