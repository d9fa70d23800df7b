import type { QueueStorage } from "./queue.ts";

interface Entry<T> {
  readonly item: T;
  readonly order: number;
}

/** A binary heap: the smallest comes first, of equal ones the oldest. It is unchanged when `compare` throws. */
export class Heap<T> implements QueueStorage<T> {
  readonly #entries: Entry<T>[] = [];
  readonly #compare: (a: T, b: T) => number;
  #pushed = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get length(): number {
    return this.#entries.length;
  }

  push(item: T): void {
    const entries = this.#entries;
    const entry: Entry<T> = { item, order: this.#pushed };
    // First all comparisons, which may throw, then the moves: the places that it climbs past.
    const path: number[] = [];
    let place = entries.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(entry, entries[parent] as Entry<T>)) break;
      path.push(place);
      place = parent;
    }
    this.#pushed += 1;
    entries.push(entry);
    for (const passed of path) entries[passed] = entries[(passed - 1) >> 1] as Entry<T>;
    entries[place] = entry;
  }

  shift(): T {
    const entries = this.#entries;
    const first = entries[0] as Entry<T>;
    const last = entries.at(-1) as Entry<T>;
    const end = entries.length - 1;
    const path: number[] = [];
    let place = 0;
    for (let child = 1; child < end; child = 2 * place + 1) {
      const right = child + 1;
      if (right < end && this.#isBefore(entries[right] as Entry<T>, entries[child] as Entry<T>))
        child = right;
      if (!this.#isBefore(entries[child] as Entry<T>, last)) break;
      path.push(child);
      place = child;
    }
    entries.pop();
    let hole = 0;
    for (const child of path) {
      entries[hole] = entries[child] as Entry<T>;
      hole = child;
    }
    if (end > 0) entries[hole] = last;
    return first.item;
  }

  /** Compares nothing, so that it cannot fail. */
  clear(): void {
    this.#entries.length = 0;
  }

  /** All items, in the order in which they would come; when `compare` throws, in any: a report must not fail. */
  toArray(): T[] {
    let entries: readonly Entry<T>[] = this.#entries;
    try {
      entries = entries.toSorted((a, b) => (this.#isBefore(a, b) ? -1 : 1));
    } catch {
      // Whoever takes an item hears of it.
    }
    return entries.map(({ item }) => item);
  }

  #isBefore(a: Entry<T>, b: Entry<T>): boolean {
    const order = this.#compare(a.item, b.item);
    return order < 0 || (order === 0 && a.order < b.order);
  }
}
