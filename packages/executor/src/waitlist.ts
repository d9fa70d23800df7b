import { type Future, getRunningLoop } from "@aio/loop";

/** Those who wait for the same thing to happen. */
export class Waitlist {
  #waiting: Future<void>[] = [];

  /** A Future that is done at the next {@link Waitlist.wake}. */
  next(): Future<void> {
    const future = getRunningLoop().createFuture<void>();
    this.#waiting.push(future);
    return future;
  }

  wake(): void {
    for (const future of this.#waiting.splice(0)) if (!future.done) future.setResult(undefined);
  }
}
