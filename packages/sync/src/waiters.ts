import { type Future, getRunningLoop } from "@aio/loop";

/** Those who wait for a primitive, in the order in which they came: the queue beneath all of them. */
export class Waiters {
  readonly #parked = new Set<Future<undefined>>();

  /** How many wait. */
  get size(): number {
    return this.#parked.size;
  }

  /**
   * Waits to be woken.
   *
   * Cancellation: the place in the queue is given up.
   */
  async park(): Promise<void> {
    const waiter = getRunningLoop().createFuture<undefined>();
    this.#parked.add(waiter);
    try {
      await waiter;
    } finally {
      this.#parked.delete(waiter);
    }
  }

  /** Wakes all, first come, first served. */
  wakeAll(): void {
    for (const waiter of this.#parked) if (!waiter.done) waiter.setResult(undefined);
  }
}
