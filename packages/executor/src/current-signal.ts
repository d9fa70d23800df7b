import { CancelledError, type CancelReason, RuntimeError } from "@aio/loop";
import { type CurrentJob, workerState } from "./worker-state.ts";

/**
 * Returns the signal of the job that this worker runs: it is aborted, with a `CancelledError`, when the job
 * is cancelled. To be called before the first `await` of the job.
 *
 * In a thread, `signal.aborted` and `signal.throwIfAborted()` tell the truth in a synchronous loop as well,
 * which no event can interrupt. In a process they do so only after an `await`.
 * @throws {@link RuntimeError} outside of a job.
 *
 * @example
 * ```ts
 * export function search(words: string[]): string[] {
 *   const signal = currentSignal();
 *   return words.filter((word) => {
 *     signal.throwIfAborted(); // costs some nanoseconds
 *     return matches(word);
 *   });
 * }
 * ```
 */
export function currentSignal(): AbortSignal {
  const { job } = workerState;
  if (job === null)
    throw new RuntimeError(
      "No job of an executor runs here; call currentSignal() inside of one, before its first await",
    );
  job.controller ??= controllerOf(job);
  if (job.isAborted()) job.controller.abort();
  return job.controller.signal;
}

function controllerOf(job: CurrentJob): NonNullable<CurrentJob["controller"]> {
  const controller = new AbortController();
  const { signal } = controller;
  const abort = (): void => {
    const { message, reason } = job.abort ?? { message: "The job was cancelled", reason: "caller" };
    controller.abort(new CancelledError(message, reason as CancelReason));
  };
  // A signal of its own class knows nothing of the memory that tells of a cancellation: these look.
  const aborted = Reflect.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")
    ?.get as () => boolean;
  Object.defineProperties(signal, {
    aborted: {
      get() {
        if (!aborted.call(signal) && job.isAborted()) abort();
        return aborted.call(signal);
      },
    },
    throwIfAborted: {
      value() {
        if (signal.aborted) throw signal.reason;
      },
    },
  });
  return { signal, abort };
}
