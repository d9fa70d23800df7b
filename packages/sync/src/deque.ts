/** A queue (first in, first out) in a circular buffer: no operation looks at more than one place. */
export class Deque<T> {
  #items: (T | undefined)[] = Array.from({ length: LEAST });
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#resize(2 * this.#length);
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length += 1;
  }

  /** Takes the oldest out. There must be one. */
  shift(): T {
    const item = this.#items[this.#head] as T;
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length -= 1;
    // A burst that is over must not hold its memory.
    if (this.#length < this.#items.length / 8 && this.#items.length > LEAST)
      this.#resize(this.#items.length / 2);
    return item;
  }

  toArray(): T[] {
    return Array.from(
      { length: this.#length },
      (_, index) => this.#items[(this.#head + index) & (this.#items.length - 1)] as T,
    );
  }

  /** Gives it room for `size`, a power of two. */
  #resize(size: number): void {
    const items: (T | undefined)[] = this.toArray();
    items.length = size;
    this.#items = items.fill(undefined, this.#length);
    this.#head = 0;
  }
}

const LEAST = 8;
