import { inspect } from "node:util";
import { completed, type Operation, operation } from "@aio/loop";
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
  readonly #waiters = new Waiters(this);
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
   * @throws CancelledError when the wait is cancelled; RuntimeError when it must wait and no loop runs,
   * or another loop than the first that it was waited for in.
   */
  wait(): Operation<true> {
    if (this.#flag) return SET;
    return operation(async () => {
      await this.#waiters.park();
      return true as const;
    });
  }

  [inspect.custom](): string {
    const { size } = this.#waiters;
    return `<Event ${this.#flag ? "set" : "unset"}${size === 0 ? "" : ` waiters=${size}`}>`;
  }
}

// A wait that is over before it begins: all share one.
const SET: Operation<true> = completed<true>(true);
