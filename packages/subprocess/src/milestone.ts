import type { EventLoop, Future } from "@aio/loop";

/** Something that happens once, and that anybody may wait for. */
export class Milestone {
  readonly #loop: EventLoop;
  readonly #waiters = new Set<Future<void>>();
  #isReached = false;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  reach(): void {
    this.#isReached = true;
    // A closed loop can wake nobody.
    for (const waiter of this.#waiters)
      if (!waiter.done && !this.#loop.isClosed) waiter.setResult(undefined);
    this.#waiters.clear();
  }

  /** Waits for it, in the scope of the caller: no operation, of which it takes several to start and end a process. */
  async reached(): Promise<void> {
    if (this.#isReached) return;
    // A waiter of its own: a cancelled one must not cancel the others.
    const waiter = this.#loop.createFuture<void>();
    this.#waiters.add(waiter);
    try {
      await waiter;
    } finally {
      this.#waiters.delete(waiter);
    }
  }
}
