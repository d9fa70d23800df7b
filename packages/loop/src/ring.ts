/** A queue (first in, first out) in a circular buffer: no operation looks at more than one place. */
export class Ring<T> {
  #items: (T | undefined)[] = Array.from({ length: 64 });
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length += 1;
  }

  /** Takes the oldest item; the ring must not be empty. */
  shift(): T {
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length -= 1;
    return item as T;
  }

  toArray(): T[] {
    const end = this.#head + this.#length;
    return [
      ...this.#items.slice(this.#head, end),
      ...this.#items.slice(0, Math.max(0, end - this.#items.length)),
    ] as T[];
  }

  clear(): void {
    this.#items = Array.from({ length: 64 });
    this.#head = this.#length = 0;
  }

  // Doubles the buffer; its length stays a power of two, so that `&` wraps around.
  #grow(): void {
    const { length } = this.#items;
    this.#items = [...this.#items.slice(this.#head), ...this.#items.slice(0, this.#head)];
    this.#items.length = 2 * length;
    this.#head = 0;
  }
}
