import { type Operation, operation } from "@aio/loop";
import { currentContext } from "./context.ts";
import { defaultExecutor } from "./default-executor.ts";

/**
 * Calls `fn(...args)` in a thread of the default executor, and waits for the result; before that for room in
 * the queue of the executor, where that is limited. The contexts of {@link shareContext} travel along.
 *
 * It is for work that keeps the processor busy, and for calls that block. Node's own input and output needs no
 * thread: await it.
 *
 * Cancellation: the wait ends at once. A call that waits for a thread is withdrawn; one that runs is told by its
 * `currentSignal()`, and has the grace period of the executor to end.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread | asyncio.to_thread}.
 * It is started by the call, not by the `await`.
 *
 * @param fn a function of a module, by {@link inThread}; or one that uses nothing from outside.
 * @throws TypeError when `fn` uses names from outside, or cannot be sent; what `fn` throws.
 *
 * @example
 * ```ts
 * const sum = await toThread((n: number) => {
 *   let total = 0;
 *   for (let i = 0; i < n; i += 1) total += i;
 *   return total;
 * }, 1_000_000_000);
 * ```
 */
export function toThread<A extends unknown[], R>(
  fn: (...args: A) => R,
  ...args: A
): Operation<Awaited<R>> {
  const executor = defaultExecutor();
  const context = currentContext();
  if (!executor.isFull) return executor.start(fn, args, context);
  return operation(async (): Promise<unknown> => {
    await executor.drain();
    return await executor.start(fn, args, context);
  }) as Operation<Awaited<R>>;
}
