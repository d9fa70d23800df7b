import type { Timer } from "./step.ts";

/**
 * The timers that are set: a heap with four children to a node, ordered by time, then by registration.
 * Each timer knows its place, so that a cancelled one leaves at once. What they are compared by stands in
 * arrays of numbers: a comparison looks at no timer.
 */
export class Timers {
  readonly #heap: Timer[] = [];
  #times = new Float64Array(16);
  #orders = new Float64Array(16);
  #registered = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the earliest timer is due; Infinity when there is none. */
  get next(): number {
    return this.#heap.length === 0 ? Infinity : (this.#times[0] ?? Infinity);
  }

  /** Sets `timer`, which must not be set, for the time `when`. */
  add(timer: Timer, when: number): void {
    const { length } = this.#heap;
    if (length === this.#times.length) this.#grow();
    this.#heap.push(timer);
    this.#rise(timer, when, this.#registered++, length);
  }

  /** Takes `timer` out; does nothing when it is not set. */
  remove(timer: Timer): void {
    const { index } = timer;
    if (index < 0) return;
    timer.index = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === timer) return;
    const time = this.#times[last.index] ?? 0;
    const order = this.#orders[last.index] ?? 0;
    this.#rise(last, time, order, index);
    if (last.index === index) this.#sink(last, time, order, index);
  }

  /** Takes the earliest timer when it is due at `now`. */
  takeDue(now: number): Timer | undefined {
    const timer = this.#heap[0];
    if (timer === undefined || this.next > now) return undefined;
    this.remove(timer);
    return timer;
  }

  clear(): void {
    for (const timer of this.#heap) timer.index = -1;
    this.#heap.length = 0;
  }

  #rise(timer: Timer, time: number, order: number, from: number): void {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 2;
      if (!this.#isBefore(time, order, above)) break;
      this.#move(above, index);
      index = above;
    }
    this.#put(timer, time, order, index);
  }

  #sink(timer: Timer, time: number, order: number, from: number): void {
    const { length } = this.#heap;
    let index = from;
    for (;;) {
      const first = 4 * index + 1;
      if (first >= length) break;
      const child = this.#earliest(first, Math.min(first + 4, length));
      if (this.#isBefore(time, order, child)) break;
      this.#move(child, index);
      index = child;
    }
    this.#put(timer, time, order, index);
  }

  /** The place of the earliest from `start` up to, and without, `end`. */
  #earliest(start: number, end: number): number {
    let earliest = start;
    for (let index = start + 1; index < end; index += 1)
      if (this.#isBefore(this.#times[index] ?? 0, this.#orders[index] ?? 0, earliest))
        earliest = index;
    return earliest;
  }

  /** Whether what has this time and order comes before the timer at `index`. */
  #isBefore(time: number, order: number, index: number): boolean {
    const other = this.#times[index] ?? 0;
    return time < other || (time === other && order < (this.#orders[index] ?? 0));
  }

  #move(from: number, to: number): void {
    const timer = this.#heap[from];
    if (timer !== undefined) this.#put(timer, this.#times[from] ?? 0, this.#orders[from] ?? 0, to);
  }

  #put(timer: Timer, time: number, order: number, index: number): void {
    this.#heap[index] = timer;
    this.#times[index] = time;
    this.#orders[index] = order;
    timer.index = index;
  }

  #grow(): void {
    const times = new Float64Array(2 * this.#times.length);
    const orders = new Float64Array(times.length);
    times.set(this.#times);
    orders.set(this.#orders);
    this.#times = times;
    this.#orders = orders;
  }
}
