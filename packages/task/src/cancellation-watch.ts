import { log } from "@aio/loop";
import type { Task } from "./task.ts";

const watched = new WeakSet<Task<unknown>>();

/**
 * In debug mode: reports a task that was asked to end and runs on. Either it has caught the
 * CancelledError and waits for something else, or it is inside a foreign promise, which nothing interrupts.
 */
export function watchCancellation(task: Task<unknown>): void {
  if (watched.has(task)) return;
  watched.add(task);
  const { loop } = task;
  const delay = loop.slowCancellationDuration;
  const timer = loop.callLater(delay, () => {
    watched.delete(task);
    if (task.cancelling() === 0) return;
    const waits = task.scope.describe();
    const where =
      waits === ""
        ? "is inside a foreign promise; give that abortSignal(), or await it by interruptible()"
        : `waits for ${waits}; let the CancelledError pass, or call uncancel() to go on`;
    log.warn(`${task.label} was cancelled ${delay} ms ago, and still ${where}`);
  });
  task.addDoneStep({
    run: () => {
      timer.cancel();
      return false;
    },
  });
}
