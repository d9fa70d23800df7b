import { inspect } from "node:util";
import { type EventLoop, type Future, getRunningLoop, RuntimeError } from "@aio/loop";

/**
 * Those who wait for a primitive, in the order in which they came: the queue beneath all of them.
 * The loop in which the first one waits is the only one from then on.
 */
export class Waiters {
  readonly #owner: object;
  readonly #parked = new Set<Future<undefined>>();
  #loop: EventLoop | null = null;

  /** @param owner the primitive, for the message of an error. */
  constructor(owner: object) {
    this.#owner = owner;
  }

  /** How many wait. */
  get size(): number {
    return this.#parked.size;
  }

  /**
   * Waits to be woken.
   *
   * Cancellation: the place in the queue is given up.
   * @throws RuntimeError when no loop runs, or another one than that of the first wait.
   */
  async park(): Promise<void> {
    const loop = getRunningLoop();
    this.#loop ??= loop;
    if (loop !== this.#loop)
      throw new RuntimeError(
        `${inspect(this.#owner)} is bound to a different event loop; make a new one for each loop`,
      );
    const waiter = loop.createFuture<undefined>();
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
