import { inspect } from "node:util";
import {
  checkMilliseconds,
  type Future,
  getRunningLoop,
  isFuture,
  type Operation,
  operation,
  type Step,
} from "@aio/loop";
import { PartsDone } from "./parts-done.ts";

/** {@link wait} ends when any of the futures is done. */
export const FIRST_COMPLETED = "FIRST_COMPLETED";
/** {@link wait} ends when any of the futures has failed (cancellation is no failure), or all are done. */
export const FIRST_EXCEPTION = "FIRST_EXCEPTION";
/** {@link wait} ends when all futures are done. */
export const ALL_COMPLETED = "ALL_COMPLETED";

/** When {@link wait} ends. */
export type ReturnWhen = typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION | typeof ALL_COMPLETED;

/** How {@link wait} waits. */
export interface WaitOptions {
  /** How long at most, in milliseconds; null for no limit. It is no error when the time has passed. */
  readonly timeout?: number | null | undefined;
  /** When to end: {@link ALL_COMPLETED} by default. */
  readonly returnWhen?: ReturnWhen | undefined;
}

/**
 * Waits for futures, and tells which are done and which are not. It never throws their errors, and
 * never cancels them. It always lets others run, also when all are done already.
 *
 * Cancellation: the futures go on.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.wait | asyncio.wait}.
 *
 * @throws RangeError when there are no futures, or `returnWhen` is none of the constants; TypeError when one is not a Future or Task.
 *
 * @example
 * ```ts
 * const { done, pending } = await wait([task1, task2], { timeout: 1_000 });
 * for (const task of pending) task.cancel();
 * ```
 */
export function wait<F extends Future<unknown>>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): Operation<{ done: Set<F>; pending: Set<F> }> {
  const { timeout = null, returnWhen = ALL_COMPLETED } = options;
  if (
    isFuture(futures) ||
    typeof futures !== "object" ||
    futures === null ||
    !(Symbol.iterator in futures)
  ) {
    throw new TypeError(
      `Expected \`futures\` to be an iterable of Futures, got ${inspect(futures)}`,
    );
  }
  const distinct = new Set(futures);
  if (distinct.size === 0)
    throw new RangeError("Expected `futures` to hold at least one Future, got none");
  for (const future of distinct) {
    if (!isFuture(future))
      throw new TypeError(
        `Expected \`futures\` to hold Futures and Tasks, got ${inspect(future)}; use createTask() for a function`,
      );
  }
  if (![FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED].includes(returnWhen)) {
    throw new RangeError(
      `Expected \`returnWhen\` to be FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED, got ${inspect(returnWhen)}`,
    );
  }
  if (timeout !== null) checkMilliseconds("timeout", timeout);
  return operation(() => waitForSome(distinct, timeout, returnWhen));
}

async function waitForSome<F extends Future<unknown>>(
  futures: Set<F>,
  timeout: number | null,
  returnWhen: ReturnWhen,
): Promise<{ done: Set<F>; pending: Set<F> }> {
  const loop = getRunningLoop();
  const mode = returnWhen === FIRST_COMPLETED ? "any" : "all";
  const enough = new PartsDone(loop, futures, mode, "wait()");
  const release = (): void => {
    timer?.cancel();
    if (!enough.done) enough.setResult(undefined);
  };
  const timer = timeout === null ? undefined : loop.callLater(timeout, release);
  let missing = futures.size;
  const steps = new Map<F, Step>();
  for (const future of futures) {
    const step: Step = {
      run: () => {
        missing -= 1;
        const failed =
          returnWhen === FIRST_EXCEPTION && !future.cancelled && future.exception() !== null;
        if (missing <= 0 || returnWhen === FIRST_COMPLETED || failed) release();
        return false;
      },
    };
    steps.set(future, step);
    future.addDoneStep(step);
  }
  try {
    await enough;
  } finally {
    timer?.cancel();
    for (const [future, step] of steps) future.removeDoneStep(step);
  }
  const done = new Set<F>();
  const pending = new Set<F>();
  for (const future of futures) (future.done ? done : pending).add(future);
  return { done, pending };
}
