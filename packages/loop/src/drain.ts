/**
 * How the loop drains all microtasks between two steps, and the ticks: synchronously, or, where the host
 * has no way to do that, in a tick behind the microtasks. That one may overtake ticks which microtasks queue.
 */
export type DrainPath = "tick" | "microtask";

// The global `process` is a getter, which costs as much as a small function does.
const host = process;

// `process._tickCallback` runs the host's queues of ticks and microtasks, synchronously, until both
// are empty. It is old and undocumented, hence the trial below, and the other path.
const tickCallback =
  "_tickCallback" in host && typeof host._tickCallback === "function"
    ? host._tickCallback
    : undefined;

/**
 * Drains all ticks and microtasks. Throws what one of the ticks throws: that must reach the host, which
 * repairs its stack of async contexts only then. The others are still to be drained.
 */
export function drainNow(): void {
  tickCallback?.call(host);
}

/**
 * Calls `next` after all microtasks, in a tick of its own. (A tick queued by a tick runs before the
 * microtasks of the first, so ticks alone would not do.)
 */
export function drainThen(next: () => void): void {
  queueMicrotask(() => process.nextTick(next));
}

let works: boolean | undefined;

/** Whether {@link drainNow} works here. To be asked outside of microtasks, where it never does. */
export function canDrainNow(): boolean {
  if (works === undefined) {
    let drained = false;
    void Promise.resolve().then(() => {
      drained = true;
      return undefined;
    });
    drainNow();
    works = drained;
  }
  return works;
}
