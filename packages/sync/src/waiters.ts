import { namesOf } from "./task-names.ts";
import type { Waiter } from "./waiter.ts";

/** Those who wait for a primitive, in the order in which they came: none of its methods looks at all of them but the last two. */
export class Waiters<W extends Waiter<unknown>> {
  #first: Waiter<unknown> | null = null;
  #last: Waiter<unknown> | null = null;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Who came first, or null. */
  get first(): W | null {
    return this.#first as W | null;
  }

  /** Adds one to the end. It must be in no queue. */
  push(waiter: W): void {
    const last = this.#last;
    waiter.before = last;
    if (last === null) this.#first = waiter;
    else last.after = waiter;
    this.#last = waiter;
    this.#size += 1;
  }

  /** Takes one out, which must be in here. */
  remove(waiter: W): void {
    const { before, after } = waiter;
    if (before === null) this.#first = after;
    else before.after = after;
    if (after === null) this.#last = before;
    else after.before = before;
    waiter.before = waiter.after = null;
    this.#size -= 1;
  }

  /** Wakes the first, and takes it out. Returns whether there was one. All in here must be waiting. */
  wakeFirst(): boolean {
    const { first } = this;
    if (first === null) return false;
    this.remove(first);
    first.wake();
    return true;
  }

  /** Wakes all that are in here now. */
  wakeAll(): void {
    for (let left = this.#size; left > 0; left -= 1) this.wakeFirst();
  }

  /** The tasks that wait, first come first, in words: the first of them; empty when nobody waits. */
  describe(role = "waiters"): string {
    if (this.#size === 0) return "";
    return ` ${role}=${this.#size} (${namesOf(this.#tasks(), this.#size)})`;
  }

  *#tasks(): Iterable<object | null> {
    for (let waiter = this.#first; waiter !== null; waiter = waiter.after) yield waiter.task;
  }
}
