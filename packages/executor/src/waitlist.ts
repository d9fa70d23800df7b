import { type Future, getRunningLoop } from "@aio/loop";

/** Those who wait for the same thing to happen. */
export class Waitlist {
  readonly #waiting = new Set<Future<void>>();

  /** A Future that is done at the next {@link Waitlist.wake}. */
  next(): Future<void> {
    const future = getRunningLoop().createFuture<void>();
    this.#waiting.add(future);
    future.addDoneCallback(() => this.#waiting.delete(future)); // also when it is cancelled
    return future;
  }

  wake(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    // Those of a loop that was closed will not be told of anything any more.
    for (const future of waiting)
      if (!future.done && !future.loop.isClosed) future.setResult(undefined);
  }
}
