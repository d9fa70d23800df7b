import { type Awaitable, type Future, type Operation, operation } from "@aio/loop";
import { ensureFuture } from "./create-task.ts";
import { gather } from "./gather.ts";
import { FIRST_COMPLETED, wait } from "./wait.ts";

/**
 * Runs `awaitables` side by side, and gives the result, or throws the error, of the first that is
 * done. The others are cancelled, and waited for: nothing runs on behind it. What they still throw
 * goes to the exception handler of the loop.
 *
 * Prefer it to `Promise.race`, whose losers go on.
 *
 * Cancellation: all of them are cancelled and waited for.
 * @throws RangeError when there are none. TypeError comes out of the operation when one is no awaitable.
 *
 * @example
 * ```ts
 * const page = await race(() => fetchFrom(mirror1), () => fetchFrom(mirror2));
 * ```
 */
export function race<const A extends readonly Awaitable<unknown>[]>(
  ...awaitables: A
): Operation<A[number] extends Awaitable<infer T> ? T : never>;
export function race(...awaitables: readonly Awaitable<unknown>[]): Operation<unknown> {
  if (awaitables.length === 0)
    throw new RangeError("Expected at least one awaitable to race, got none");
  return operation(async () => {
    const futures = awaitables.map((awaitable) => ensureFuture(awaitable));
    let winner: Future<unknown> | undefined;
    try {
      await wait(futures, { returnWhen: FIRST_COMPLETED });
      winner = futures.find((future) => future.done);
    } finally {
      await endAll(futures, winner);
    }
    return winner?.result();
  });
}

/** Cancels all that are not done, waits for them, and reports what the losers threw. */
async function endAll(
  futures: readonly Future<unknown>[],
  winner: Future<unknown> | undefined,
): Promise<void> {
  const running = futures.filter((future) => !future.done);
  for (const future of running) future.cancel("lost a race");
  if (running.length > 0) await gather(running, { returnExceptions: true });
  for (const future of futures) {
    const exception = future === winner || future.cancelled ? null : future.exception();
    if (exception === null) continue;
    future.loop.callExceptionHandler({
      message: `${future.label} failed after it lost a race`,
      exception,
      future,
    });
  }
}
