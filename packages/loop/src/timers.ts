import type { Timer } from "./step.ts";

/**
 * The timers that are set: a heap with four children to a node, ordered by time, then by registration.
 * Each timer knows its place, so that a cancelled one leaves at once.
 */
export class Timers {
  readonly #heap: Timer[] = [];
  #registered = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the earliest timer is due; Infinity when there is none. */
  get next(): number {
    return this.#heap[0]?.when ?? Infinity;
  }

  add(timer: Timer): void {
    timer.order = this.#registered++;
    this.#heap.push(timer);
    this.#rise(timer, this.#heap.length - 1);
  }

  /** Takes `timer` out; does nothing when it is not set. */
  remove(timer: Timer): void {
    const { index } = timer;
    if (index < 0) return;
    timer.index = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === timer) return;
    this.#rise(last, index);
    this.#sink(last, last.index);
  }

  /** Takes the earliest timer when it is due at `now`. */
  takeDue(now: number): Timer | undefined {
    const timer = this.#heap[0];
    if (timer === undefined || timer.when > now) return undefined;
    this.remove(timer);
    return timer;
  }

  clear(): void {
    for (const timer of this.#heap) timer.index = -1;
    this.#heap.length = 0;
  }

  #rise(timer: Timer, from: number): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 2;
      const parent = heap[above];
      if (parent === undefined || !isEarlier(timer, parent)) break;
      heap[index] = parent;
      parent.index = index;
      index = above;
    }
    heap[index] = timer;
    timer.index = index;
  }

  #sink(timer: Timer, from: number): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      let below = 4 * index + 1;
      let child = heap[below];
      if (child === undefined) break;
      const end = Math.min(below + 4, heap.length);
      for (let other = below + 1; other < end; other += 1) {
        const sibling = heap[other];
        if (sibling !== undefined && isEarlier(sibling, child)) {
          child = sibling;
          below = other;
        }
      }
      if (!isEarlier(child, timer)) break;
      heap[index] = child;
      child.index = index;
      index = below;
    }
    heap[index] = timer;
    timer.index = index;
  }
}

function isEarlier(a: Timer, b: Timer): boolean {
  return a.when < b.when || (a.when === b.when && a.order < b.order);
}
