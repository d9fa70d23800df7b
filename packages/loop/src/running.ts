import { RuntimeError } from "./errors.ts";
import type { EventLoop } from "./loop.ts";

let running: EventLoop | null = null;
let current: EventLoop | null = null;

/**
 * Returns the loop that runs in this thread. There is one at a time, as in asyncio; each worker
 * thread may run its own. Counterpart of `asyncio.get_running_loop`.
 * @throws {@link RuntimeError} when none runs.
 *
 * @example
 * ```ts
 * const loop = getRunningLoop();
 * loop.callLater(1_000, () => console.log(`at ${loop.time()}`)).cancel();
 * ```
 */
export function getRunningLoop(): EventLoop {
  if (running !== null) return running;
  throw new RuntimeError("No event loop is running; call this inside `run(main)`");
}

/** Returns the loop that runs in this thread, or null. */
export function runningLoop(): EventLoop | null {
  return running;
}

/** Notes which loop runs. For the loop itself. */
export function setRunningLoop(loop: EventLoop | null): void {
  running = loop;
}

/**
 * Returns the running loop, or, when none runs, the one last given to {@link setEventLoop}.
 * Counterpart of `asyncio.get_event_loop` as of Python 3.14: it never makes one.
 * @throws {@link RuntimeError} when there is neither.
 */
export function getEventLoop(): EventLoop {
  const loop = running ?? current;
  if (loop !== null) return loop;
  throw new RuntimeError(
    "There is no current event loop; call this inside `run(main)`, or call setEventLoop() before",
  );
}

/** Makes `loop` the one that {@link getEventLoop} returns while none runs; null for none. Counterpart of `asyncio.set_event_loop`. */
export function setEventLoop(loop: EventLoop | null): void {
  if (loop !== null && !(typeof loop === "object" && "callSoon" in loop)) {
    throw new TypeError(`Expected \`loop\` to be an EventLoop or null, got ${typeof loop}`);
  }
  current = loop;
}
