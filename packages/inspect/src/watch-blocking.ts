import { channel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { isMainThread, Worker } from "node:worker_threads";
import type { FrameSnapshot } from "@aio/loop";

/** A callback that held the loop for longer than the limit. */
export interface Blocking {
  /** The task whose code it was, or that has set the callback of the host, as people call it; null outside of tasks. */
  readonly task: string | null;
  /** Where it was when the limit was over, the innermost frame first; only frames of the program. */
  readonly frames: readonly FrameSnapshot[];
  /** The same with all frames, as lines of a stack trace. */
  readonly stack: string;
  /** For how long it held the loop, in milliseconds. */
  readonly duration: number;
}

/** How the loop is watched. */
export interface WatchBlockingOptions {
  /** For how long a callback may hold the loop, in milliseconds: 100 by default. */
  readonly limit?: number | undefined;
  /** Is told of each block when it is over. By default it is written to the error output, while it lasts. */
  readonly report?: ((blocking: Blocking) => void) | undefined;
}

/** What the thread that watches is told. */
export interface WatchSettings {
  readonly limit: number;
  /** Counts how often the loop came round. */
  readonly beat: Int32Array;
  /** Whether it writes to the error output. */
  readonly writes: boolean;
}

// In milliseconds. Below that, the watching itself would be the load.
const SHORTEST = 10;
// The file has the ending of this one: `.ts` among the sources, `.js` when built.
const WORKER = new URL(`./watch-blocking-worker${import.meta.url.slice(-3)}`, import.meta.url);
const blocked = channel("aio:blocked");

/**
 * Watches the loop of this thread from another one. When a callback, of a task or not, holds it for longer than
 * `limit`, the line that is running is found out **while** it blocks: the program is stopped for some milliseconds,
 * by Node's inspector inside the process, and goes on. Nothing listens on a network address.
 *
 * Each block is told once: on the error output at once, or by `report` when it is over; and then to those who
 * subscribe to the channel `aio:blocked` of `node:diagnostics_channel`. While native code runs, the line is known
 * when it returns to JavaScript.
 *
 * It costs a thread, and a timer that wakes the program four times in each `limit`. It does not keep the process alive.
 * `node --import @aio/inspect/watchdog program.js` does it from outside, with `AIO_BLOCKING_LIMIT` as the limit.
 *
 * @returns a function that ends it.
 * @throws RangeError when `limit` is less than 10 or not finite; Error when this is not the main thread.
 *
 * @example
 * ```ts
 * const stop = watchBlocking({ limit: 50, report: ({ task, frames }) => console.error(task, frames[0]) });
 * ```
 */
export function watchBlocking({ limit = 100, report }: WatchBlockingOptions = {}): () => void {
  if (!Number.isFinite(limit) || limit < SHORTEST)
    throw new RangeError(
      `Expected \`limit\` to be at least ${SHORTEST} milliseconds, got ${inspect(limit)}`,
    );
  if (!isMainThread)
    throw new Error("Only the main thread can be watched; call watchBlocking() there");
  const beat = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const settings: WatchSettings = { limit, beat, writes: report === undefined };
  const worker = new Worker(WORKER, {
    name: "aio watchdog",
    workerData: settings,
    execArgv: [], // what the program imports first is none of its business
  });
  worker.on("message", (blocking: Blocking) => {
    if (blocked.hasSubscribers) blocked.publish(blocking);
    report?.(blocking);
  });
  worker.unref();
  const timer = setInterval(() => Atomics.add(beat, 0, 1), limit / 4);
  timer.unref();
  return () => {
    clearInterval(timer);
    void worker.terminate();
  };
}
