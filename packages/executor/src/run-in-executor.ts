import { inspect } from "node:util";
import { defaultExecutor } from "./default-executor.ts";
import { Executor } from "./executor.ts";
import type { JobFuture } from "./job-future.ts";

/**
 * Has `fn(...args)` called by `executor`, in a thread of the default executor when that is null.
 *
 * Cancellation: the Future is done at once. A job that waits for a worker is withdrawn; one that runs is told by
 * its `currentSignal()`, and its result is dropped.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.run_in_executor | loop.run_in_executor}.
 * Contexts do not travel along: {@link toThread} takes them.
 * @throws RuntimeError when no loop runs, or the executor was shut down; TypeError when `fn` cannot be sent.
 *
 * @example
 * ```ts
 * const { hash } = inThread<typeof import("./hash.ts")>(new URL("./hash.ts", import.meta.url));
 * const digest = await runInExecutor(null, hash, "text");
 * ```
 */
export function runInExecutor<A extends unknown[], R>(
  executor: Executor | null,
  fn: (...args: A) => R,
  ...args: A
): JobFuture<Awaited<R>> {
  if (executor !== null && !(executor instanceof Executor))
    throw new TypeError(
      `Expected \`executor\` to be an Executor or null, got ${inspect(executor, { depth: 0 })}`,
    );
  return (executor ?? defaultExecutor()).submit(fn, ...args);
}
