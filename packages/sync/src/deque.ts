/** A queue (first in, first out) in a circular buffer: no operation looks at more than one place. */
export class Deque<T> {
  #items: (T | undefined)[] = room(16);
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
    const items = this.#items;
    const item = items[this.#head] as T;
    items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (items.length - 1);
    this.#length -= 1;
    // A burst that is over must not hold much memory.
    if (items.length > KEPT && this.#length < items.length / 8) this.#resize(items.length / 2);
    return item;
  }

  clear(): void {
    this.#items = room(16);
    this.#head = this.#length = 0;
  }

  toArray(): T[] {
    return this.#copy([]) as T[];
  }

  /** Gives it room for `size`, a power of two. */
  #resize(size: number): void {
    this.#items = this.#copy(room(size));
    this.#head = 0;
  }

  #copy(target: (T | undefined)[]): (T | undefined)[] {
    for (let i = 0; i < this.#length; i += 1)
      target[i] = this.#items[(this.#head + i) & (this.#items.length - 1)];
    return target;
  }
}

const KEPT = 1_024;

function room<T>(size: number): (T | undefined)[] {
  return Array.from({ length: size }, () => undefined);
}
