import { inspect } from "node:util";
import { type Coroutine, isCancelled, type Operation, operation, RuntimeError } from "@aio/loop";
import { checkCount, checkPredicate } from "./arguments.ts";
import { type Held, whileHeld } from "./held.ts";
import { Lock } from "./lock.ts";
import { LoopBinding } from "./loop-binding.ts";
import { SimpleWaiter } from "./simple-waiter.ts";
import { following, refusedBy, type WaitOptions } from "./wait-options.ts";
import { Waiters } from "./waiters.ts";

/**
 * A lock, and a way to wait, while holding it, until another task says that something has changed:
 * the lock is released for that time.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-sync.html#asyncio.Condition | asyncio.Condition}.
 *
 * @example
 * ```ts
 * const changed = new Condition();
 *
 * async function consumer(): Promise<void> {
 *   using _held = await changed.acquire();
 *   await changed.waitFor(() => stock > 0);
 *   stock -= 1;
 * }
 *
 * async function producer(): Promise<void> {
 *   using _held = await changed.acquire();
 *   stock += 1;
 *   changed.notify();
 * }
 * ```
 */
export class Condition {
  readonly #lock: Lock;
  readonly #binding = new LoopBinding(this);
  readonly #waiters = new Waiters<SimpleWaiter<true>>();

  /** @param lock the lock to use: one of its own by default; several conditions may share one. */
  constructor(lock: Lock = new Lock()) {
    if (!(lock instanceof Lock))
      throw new TypeError(`Expected \`lock\` to be a Lock, got ${inspect(lock, { depth: 0 })}`);
    this.#lock = lock;
  }

  /** Whether somebody holds the lock. */
  get locked(): boolean {
    return this.#lock.locked;
  }

  /** {@link Lock.acquire} of its lock. */
  acquire(options?: WaitOptions): Operation<Held> {
    return this.#lock.acquire(options);
  }

  /** {@link Lock.release} of its lock; throws as that does. */
  release(): void {
    this.#lock.release();
  }

  /** {@link Lock.with} of its lock. */
  with<T>(body: Coroutine<T>, options?: WaitOptions): Operation<T> {
    return whileHeld(this, body, options);
  }

  /**
   * Releases the lock, waits to be notified, and acquires the lock again. It may also end without
   * anything that concerns the caller: look at the state again, or use {@link Condition.waitFor}.
   *
   * Cancellation: the lock is acquired again all the same, however often it is cancelled; then the
   * newest error is thrown. A notification that came too late for it goes to another task.
   * @param options.signal cancels the wait when it is aborted.
   * @throws CancelledError when the wait is cancelled; RuntimeError when nobody holds the lock, or in another
   * loop than the first.
   */
  wait(options?: WaitOptions): Operation<true> {
    return refusedBy(options) ?? operation(() => this.#wait(options));
  }

  /**
   * Waits until `predicate()` is true: looks at once, and after each notification.
   *
   * Cancellation: as of {@link Condition.wait}.
   * @param options.signal cancels the wait when it is aborted.
   * @returns what the predicate gave.
   * @throws as {@link Condition.wait} does, and what `predicate` throws; TypeError when that is not a function, or
   * an async one, whose promise would always count as true.
   */
  waitFor<T>(predicate: () => T, options?: WaitOptions): Operation<Truthy<T>> {
    checkPredicate(predicate);
    return (
      refusedBy(options) ??
      operation(async () => {
        let result = predicate();
        while (!result) {
          await this.#wait(options);
          result = predicate();
        }
        return result as Truthy<T>;
      })
    );
  }

  /**
   * Wakes the tasks that wait longest; they go on, one after the other, when the lock is released.
   * @param count how many: 1 by default; less when fewer wait.
   * @throws RuntimeError when nobody holds the lock; TypeError or RangeError when `count` is no whole number from 0 on.
   */
  notify(count = 1): void {
    checkCount("count", count, 0);
    this.#expectLocked("notify");
    this.#notify(count);
  }

  /**
   * Wakes all tasks that wait: see {@link Condition.notify}.
   * @throws RuntimeError when nobody holds the lock.
   */
  notifyAll(): void {
    this.#expectLocked("notifyAll");
    this.#waiters.wakeAll();
  }

  [inspect.custom](): string {
    return `<Condition of ${inspect(this.#lock)}${this.#waiters.describe()}>`;
  }

  // Follows `Condition.wait` of CPython, effect by effect.
  async #wait(options: WaitOptions | undefined): Promise<true> {
    this.#expectLocked("wait");
    const waiter = new SimpleWaiter<true>(this.#binding, this.#waiters, this, "wait()", true);
    this.#lock.release();
    let failure: { readonly error: unknown } | null = null;
    try {
      await following(waiter.begin(), options);
    } catch (error) {
      failure = { error };
    }
    while (!(await this.#reacquired((error) => (failure = { error }))));
    if (failure === null) return true;
    // It may have been notified, and was cancelled before it could go on: that is for somebody else.
    this.#notify(1);
    throw failure.error;
  }

  /** Acquires the lock; false when that was cancelled. */
  async #reacquired(cancelled: (error: unknown) => void): Promise<boolean> {
    try {
      await this.#lock.acquire();
      return true;
    } catch (error) {
      if (!isCancelled(error)) throw error;
      cancelled(error);
      return false;
    }
  }

  #notify(count: number): void {
    for (let left = count; left > 0 && this.#waiters.wakeFirst(); left -= 1);
  }

  #expectLocked(method: string): void {
    if (!this.#lock.locked)
      throw new RuntimeError(`Condition is not held; call acquire() before ${method}()`);
  }
}

/** What counts as true, of the values of `T`. */
type Truthy<T> = Exclude<T, false | 0 | 0n | "" | null | undefined>;
