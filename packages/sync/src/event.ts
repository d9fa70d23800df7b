import { inspect } from "node:util";
import { completed, type Operation } from "@aio/loop";
import { LoopBinding } from "./loop-binding.ts";
import { SimpleWaiter } from "./simple-waiter.ts";
import { following, refused, refusedBy, type WaitOptions } from "./wait-options.ts";
import { Waiters } from "./waiters.ts";

/**
 * A flag that tasks wait for. It starts out clear; {@link Event.set} wakes every task that waits, in
 * the order in which they came, and lets later ones straight through.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-sync.html#asyncio.Event | asyncio.Event}.
 *
 * @example
 * ```ts
 * const ready = new Event();
 * getRunningLoop().callLater(500, () => ready.set());
 * await ready.wait(); // half a second later
 * ```
 */
export class Event {
  readonly #binding = new LoopBinding(this);
  readonly #waiters = new Waiters<SimpleWaiter<true>>();
  #flag = false;

  /** Whether the flag is set. */
  get isSet(): boolean {
    return this.#flag;
  }

  /** Sets the flag and wakes every task that waits; does nothing when it is set already. */
  set(): void {
    if (this.#flag) return;
    this.#flag = true;
    this.#waiters.wakeAll();
  }

  /** Clears the flag: whoever waits from now on waits for the next {@link Event.set}. Those woken already go on. */
  clear(): void {
    this.#flag = false;
  }

  /**
   * Waits until the flag is set; goes straight through when it is.
   *
   * Cancellation: the place in the queue is given up, and the event is unchanged.
   * @param options.signal cancels the wait when it is aborted.
   * @throws CancelledError when the wait is cancelled; RuntimeError when it must wait and no loop runs,
   * or another loop than the first that it was waited for in.
   */
  wait(options?: WaitOptions): Operation<true> {
    const refusal = options === undefined ? undefined : refusedBy(options);
    if (refusal !== undefined) return refusal;
    if (this.#flag) return SET;
    try {
      const waiter = new SimpleWaiter<true>(this.#binding, this.#waiters, this, "wait()", true);
      return following(waiter.begin(), options);
    } catch (error) {
      return refused(error);
    }
  }

  [inspect.custom](): string {
    return `<Event ${this.#flag ? "set" : "unset"}${this.#waiters.describe()}>`;
  }
}

// A wait that is over before it begins: all share one.
const SET: Operation<true> = completed<true>(true);
