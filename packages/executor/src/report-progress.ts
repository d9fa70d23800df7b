import { deserialize, serialize } from "node:v8";
import { isMainThread } from "node:worker_threads";
import { RuntimeError } from "@aio/loop";
import { Latest } from "./latest.ts";
import { messageOf } from "./pack-error.ts";
import { workerState } from "./worker-state.ts";

// In milliseconds: as often as a screen is drawn, more or less.
const INTERVAL = 20;

/**
 * Tells whoever waits for the job that this worker runs how far it has come: a number, a text, any plain data, which is
 * copied. They hear it by {@link JobFuture.onProgress}. It may be called as often as you like: the newest value is sent
 * every 20 milliseconds, and the last one when the job ends.
 * @throws {@link RuntimeError} outside of a job; TypeError when `value` cannot be sent.
 *
 * @example
 * ```ts
 * export function sum(numbers: number[]): number {
 *   return numbers.reduce((total, number, index) => {
 *     reportProgress(index / numbers.length);
 *     return total + number;
 *   }, 0);
 * }
 * ```
 */
export function reportProgress(value: unknown): void {
  const { job } = workerState;
  if (job === null)
    throw new RuntimeError(
      "No job of an executor runs here; call reportProgress() inside of one, while it runs",
    );
  job.progress ??= new Latest((newest) => workerState.report(newest), INTERVAL);
  job.progress.put(copyOf(value));
}

/** At once: it may be changed before it is sent. */
function copyOf(value: unknown): unknown {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return value;
  try {
    // A process takes less than a thread: no module of WebAssembly.
    return isMainThread ? deserialize(serialize(value)) : structuredClone(value);
  } catch (error) {
    throw new TypeError(
      `The progress of a job cannot be sent from a worker: ${messageOf(error)}; report plain data`,
      { cause: error },
    );
  }
}
