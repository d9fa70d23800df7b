const FIRST_CAPACITY = 4_096;
// Memory for what is expected is taken at once, but no more than this: a size may come from a peer that lies.
const MOST_AHEAD = 1_048_576;
const EMPTY = Buffer.alloc(0);

/**
 * Bytes that wait to be read. What is taken out shares memory with the buffer, which never writes
 * to it again: bytes are copied once when chunks are joined, and not at all when they come alone.
 */
export class ReadBuffer {
  #memory: Buffer = EMPTY;
  #start = 0;
  #end = 0;
  // Whether the memory behind the end is ours to write to; that of a chunk that came alone is not.
  #growing = false;

  /** The number of bytes. */
  get length(): number {
    return this.#end - this.#start;
  }

  /**
   * Adds a chunk, which belongs to the buffer from now on.
   * @param expected how many bytes will be taken out together, as far as is known.
   */
  push(chunk: Buffer, expected = 0): void {
    if (this.#start === this.#end) {
      this.#memory = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#growing = false;
      return;
    }
    const end = this.#end + chunk.length;
    if (!this.#growing || end > this.#memory.length)
      this.#grow(this.length + chunk.length, expected);
    this.#memory.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Takes the first `size` bytes out. */
  take(size: number): Buffer {
    const start = this.#start;
    const end = start + size;
    const memory = this.#memory;
    if (end === this.#end) {
      this.clear();
      if (start === 0 && end === memory.length) return memory;
    } else {
      this.#start = end;
    }
    return memory.subarray(start, end);
  }

  /** Takes everything out. */
  takeAll(): Buffer {
    return this.take(this.length);
  }

  /** Drops the first `size` bytes. */
  skip(size: number): void {
    this.#start += size;
    if (this.#start === this.#end) this.clear();
  }

  /** Drops everything. */
  clear(): void {
    this.#memory = EMPTY;
    this.#start = this.#end = 0;
  }

  /** Returns where `bytes` begin for the first time, at `from` or behind; -1 if nowhere. */
  indexOf(bytes: Uint8Array, from: number): number {
    const memory = this.#memory;
    // What lies behind the end must not be searched, again and again.
    const bytesSoFar = this.#end === memory.length ? memory : memory.subarray(0, this.#end);
    const [byte = 0] = bytes;
    const found = bytesSoFar.indexOf(bytes.length === 1 ? byte : bytes, this.#start + from);
    return found === -1 ? -1 : found - this.#start;
  }

  /** Whether `bytes` are found at `offset`. */
  startsWith(bytes: Uint8Array, offset: number): boolean {
    return this.indexOf(bytes, offset) === offset;
  }

  #grow(needed: number, expected: number): void {
    const ahead = expected <= MOST_AHEAD ? expected : 0;
    const capacity = ahead >= needed ? ahead : 2 * needed;
    const memory = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, capacity));
    memory.set(this.#memory.subarray(this.#start, this.#end));
    this.#end = this.length;
    this.#start = 0;
    this.#memory = memory;
    this.#growing = true;
  }
}
