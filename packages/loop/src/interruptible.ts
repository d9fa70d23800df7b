import type { Operation } from "./awaitable.ts";
import { wrapFuture } from "./wrap-future.ts";

/**
 * Makes the wait for a foreign promise one that a cancellation interrupts at once. The work behind
 * the promise goes on, since a promise cannot be stopped; what it ends with is dropped then, also an
 * error. Where the work takes an `AbortSignal`, give it `abortSignal()` instead: that stops it.
 *
 * Cancellation: the wait ends at once, the work is left behind.
 *
 * @throws TypeError when `promise` is none; RuntimeError when there is no loop.
 *
 * @example
 * ```ts
 * const rows = await interruptible(database.query("select 1"));
 * ```
 */
export function interruptible<T>(promise: PromiseLike<T>): Operation<T> {
  return wrapFuture(promise);
}
