import { inspect } from "node:util";
import {
  checkMilliseconds,
  type EventLoop,
  getRunningLoop,
  type Operation,
  operation,
  RuntimeError,
} from "@aio/loop";
import { after } from "./real-time.ts";
import { ThreadPoolExecutor } from "./thread-pool.ts";

interface Default {
  executor: ThreadPoolExecutor | null;
  isShutdown: boolean;
}

const defaults = new WeakMap<EventLoop, Default>();

// As asyncio.run has it: it gives up after five minutes.
const LONGEST_SHUTDOWN = 300_000;

/**
 * Returns the default executor of the running loop, made when it is first asked for.
 * @throws RuntimeError when it was shut down, or no loop runs.
 */
export function defaultExecutor(): ThreadPoolExecutor {
  const loop = getRunningLoop();
  const state = stateOf(loop);
  if (state.isShutdown)
    throw new RuntimeError(
      "The default executor was shut down; make an executor of your own for jobs behind that",
    );
  return (state.executor ??= new ThreadPoolExecutor({ threadNamePrefix: "asyncio" }));
}

/**
 * Makes `executor` the default of the running loop: `toThread` and `runInExecutor(null, …)` take it. The one
 * before is not shut down.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.set_default_executor | loop.set_default_executor}.
 * @throws TypeError when it is no ThreadPoolExecutor.
 *
 * @example
 * ```ts
 * setDefaultExecutor(new ThreadPoolExecutor({ maxWorkers: 2 }));
 * console.log(await toThread((n: number) => n * n, 5)); // in one of the two
 * ```
 */
export function setDefaultExecutor(executor: ThreadPoolExecutor): void {
  if (!(executor instanceof ThreadPoolExecutor))
    throw new TypeError(
      `Expected \`executor\` to be a ThreadPoolExecutor, got ${inspect(executor, { depth: 0 })}`,
    );
  stateOf(getRunningLoop()).executor = executor;
}

/**
 * Shuts the default executor of the running loop down, and waits until its jobs are done: `run()` does that at
 * its end, for at most five minutes. Later jobs for it are refused.
 *
 * Cancellation: the wait ends, the executor stays shut down.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.shutdown_default_executor | loop.shutdown_default_executor}.
 * @param options.timeout how many milliseconds to wait at most: null, the default, for no limit. When the time has
 * passed, there is a RuntimeWarning, and the jobs run on.
 *
 * @example
 * ```ts
 * const job = toThread((n: number) => n * n, 5);
 * await shutdownDefaultExecutor({ timeout: 1_000 });
 * console.log(await job); // it was done before
 * ```
 */
export function shutdownDefaultExecutor({
  timeout = null,
}: { readonly timeout?: number | null | undefined } = {}): Operation<void> {
  if (timeout !== null) checkMilliseconds("timeout", timeout);
  const loop = getRunningLoop();
  return operation(() => shutDown(loop, timeout));
}

async function shutDown(loop: EventLoop, timeout: number | null): Promise<void> {
  const state = stateOf(loop);
  state.isShutdown = true;
  if (state.executor === null) return;
  const end = state.executor.shutdown();
  let isLate = false;
  const cancelTimer = after(timeout ?? Infinity, () => {
    isLate = true;
    end.cancel();
  });
  try {
    await end;
  } catch (error) {
    if (!isLate) throw error;
    process.emitWarning(
      `The executor did not finish its jobs within ${timeout} ms; they run on`,
      "RuntimeWarning",
    );
  } finally {
    cancelTimer();
  }
}

/** What a loop has for a default; made with what the end of the loop does to it. */
function stateOf(loop: EventLoop): Default {
  const known = defaults.get(loop);
  if (known !== undefined) return known;
  const state: Default = { executor: null, isShutdown: false };
  defaults.set(loop, state);
  loop.atShutdown(() => shutDown(loop, LONGEST_SHUTDOWN));
  loop.atClose(() => {
    state.isShutdown = true;
    void state.executor?.shutdown({ wait: false });
  });
  return state;
}
