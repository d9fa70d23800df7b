import type { CancelledTaskSnapshot } from "./snapshot.ts";

// Enough to find what happened a moment ago; of each there are only words left, and not the task.
const KEPT = 100;

/** The tasks of a loop that were cancelled last. */
export class RecentCancellations {
  readonly #recent: CancelledTaskSnapshot[] = [];
  #next = 0;

  add(cancelled: CancelledTaskSnapshot): void {
    this.#recent[this.#next] = cancelled;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** The oldest first. */
  toArray(): CancelledTaskSnapshot[] {
    const isFull = this.#recent.length === KEPT;
    return isFull
      ? [...this.#recent.slice(this.#next), ...this.#recent.slice(0, this.#next)]
      : [...this.#recent];
  }
}
