const SIZE = 65_536;

// A read that fills as much of a buffer takes it away: that wastes little memory, and spares a copy.
const WORTH_TAKING = SIZE / 2;

// A connection that falls silent after much has come keeps its buffer. So only a few have one: 4 MiB in all.
const MOST = 64;
let count = 0;

/**
 * The memory of a connection of which much is read at a time. It goes to the protocol as it is, and the next read
 * gets other memory; while what little comes is read into memory that all connections share, and copied.
 */
export class BulkBuffer {
  #memory: Buffer | null = null;

  /** What to read into next; null for the shared buffer. */
  get memory(): Uint8Array | null {
    return this.#memory;
  }

  /** Returns the first `size` bytes of `buffer` to keep, if that is the memory here and worth it. */
  take(buffer: Uint8Array, size: number): Buffer | null {
    const memory = this.#memory;
    if (memory !== buffer || memory === null || size < WORTH_TAKING) return null;
    this.#memory = Buffer.allocUnsafeSlow(SIZE);
    return size === SIZE ? memory : memory.subarray(0, size);
  }

  /** Notes that `size` bytes were read that had to be copied. */
  missed(size: number): void {
    if (size < WORTH_TAKING) {
      this.free();
    } else if (this.#memory === null && count < MOST) {
      count += 1;
      this.#memory = Buffer.allocUnsafeSlow(SIZE);
    }
  }

  /** Lets go of the memory. */
  free(): void {
    if (this.#memory === null) return;
    count -= 1;
    this.#memory = null;
  }
}
