import { inspect } from "node:util";
import {
  type Awaitable,
  checkMilliseconds,
  type Future,
  getRunningLoop,
  isCancelled,
  isThenable,
  type Operation,
  operation,
  type Step,
  TimeoutError,
  wrapFuture,
} from "@aio/loop";
import { ensureFuture } from "./create-task.ts";
import { PartsDone } from "./parts-done.ts";
import { timeout } from "./timeout.ts";

/**
 * Waits for `awaitable`, at most `delay` milliseconds: then it is cancelled and waited for, and
 * `TimeoutError` thrown. A result or another error that it still gives is passed on. A foreign
 * promise cannot be stopped: it is left behind.
 *
 * Cancellation: `awaitable` is cancelled too.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.wait_for | asyncio.wait_for}.
 *
 * @param delay milliseconds; zero and less: only when it is done already; null for no limit.
 * @throws TimeoutError when the time has passed; TypeError or RangeError when `delay` is not a number of
 * milliseconds or there is nothing to wait for; RuntimeError outside of a task.
 *
 * @example
 * ```ts
 * const line = await waitFor(reader.readline(), 30_000); // a reader whose readline timed out is still usable
 * ```
 */
export function waitFor<T>(awaitable: Awaitable<T>, delay: number | null): Operation<T> {
  if (delay !== null) checkMilliseconds("delay", delay);
  if (delay !== null && delay <= 0) return operation(() => resultNow(ensureFuture(awaitable)));
  if (typeof awaitable === "function") return timeout(delay, () => awaitable());
  if (!isThenable(awaitable))
    throw new TypeError(
      `Expected \`awaitable\` to be a function, a Future or another promise, got ${inspect(awaitable)}`,
    );
  const source = "cancel" in awaitable ? awaitable : wrapFuture(awaitable); // a foreign promise: something that can be left behind
  return timeout(delay, () => source);
}

async function resultNow<T>(future: Future<T>): Promise<T> {
  if (future.done) return future.result();
  await cancelAndWait(future);
  try {
    return future.result();
  } catch (error) {
    if (isCancelled(error)) throw new TimeoutError("The deadline passed", { cause: error });
    throw error;
  }
}

/** Cancels `future`, and waits until it is done; its own outcome is not looked at. */
export async function cancelAndWait(future: Future<unknown>): Promise<void> {
  const ended = new PartsDone(getRunningLoop(), [future], "all", "cancellation");
  const end: Step = {
    run: () => {
      if (!ended.done) ended.setResult(undefined);
      return false;
    },
  };
  future.addDoneStep(end);
  try {
    future.cancel();
    await ended;
  } finally {
    future.removeDoneStep(end);
  }
}
