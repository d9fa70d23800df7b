import type { EventLoop, Future } from "@aio/loop";

/** Something that happens once, and that anybody may wait for. */
export class Milestone {
  readonly #loop: EventLoop;
  // Made when somebody waits.
  #waiters: Set<Future<void>> | null = null;
  #isReached = false;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  reach(): void {
    this.#isReached = true;
    const waiters = this.#waiters ?? [];
    this.#waiters = null;
    // A closed loop can wake nobody.
    for (const waiter of waiters)
      if (!waiter.done && !this.#loop.isClosed) waiter.setResult(undefined);
  }

  /** Waits for it, in the scope of the caller: no operation, of which it takes several to start and end a process. */
  async reached(): Promise<void> {
    if (this.#isReached) return;
    // A waiter of its own: a cancelled one must not cancel the others.
    const waiter = this.#loop.createFuture<void>();
    (this.#waiters ??= new Set()).add(waiter);
    try {
      await waiter;
    } finally {
      this.#waiters?.delete(waiter);
    }
  }
}
