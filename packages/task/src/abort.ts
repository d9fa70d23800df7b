import { inspect } from "node:util";
import type { Task } from "./task.ts";

/** @throws TypeError when `signal` is neither undefined nor an AbortSignal. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw new TypeError(
    `Expected \`signal\` to be an AbortSignal, got ${inspect(signal, { depth: 0 })}`,
  );
}

/** Cancels `task` when `signal` is aborted. The listener goes when the task is done. */
export function followSignal(signal: AbortSignal, task: Task<unknown>): void {
  const abort = (): void => {
    task.cancel(describe(signal.reason), "signal");
  };
  if (signal.aborted) {
    abort();
    return;
  }
  signal.addEventListener("abort", abort, { once: true });
  task.addDoneStep({
    run: () => {
      signal.removeEventListener("abort", abort);
      return false;
    },
  });
}

function describe(reason: unknown): string | undefined {
  if (reason instanceof Error) return reason.message;
  return reason === undefined ? undefined : inspect(reason);
}
