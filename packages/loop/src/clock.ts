import { checkMilliseconds } from "./arguments.ts";

/** Where a loop gets its time from, and how it waits for a point in time. */
export interface Clock {
  /** Whether nothing outside the loop can wake it: a loop with nothing to do has come to a deadlock then. */
  readonly isolated: boolean;

  /** The time, in milliseconds since an arbitrary moment; it never goes back. */
  now(): number;

  /**
   * The loop has nothing to do before `deadline`: null when no timer is set, Infinity when there is one
   * that is never due.
   * @param wake to be called at the deadline; calling it too early does no harm.
   * @returns true when the deadline is here already.
   */
  park(deadline: number | null, wake: () => void): boolean;

  /** The loop goes on, before the deadline perhaps. */
  unpark(): void;
}

// Node's own timers take at most 2^31-1 ms; a day is plenty.
const LONGEST = 86_400_000;

/** The host's monotonic clock. One host timer is set for the earliest deadline. */
export class SystemClock implements Clock {
  readonly isolated = false;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Infinity;

  now(): number {
    return performance.now();
  }

  park(deadline: number | null, wake: () => void): boolean {
    // A timer that fires before the deadline stays: timeouts that come and go would set and clear one each time.
    if (this.#timer !== undefined && deadline !== null && this.#timerDue <= deadline) return false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (deadline === null) return false;
    const delay = deadline - this.now();
    if (delay <= 0) return true;
    this.#timerDue = deadline;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        wake();
      },
      Math.min(Math.ceil(delay), LONGEST),
    );
    return false;
  }

  unpark(): void {}
}

/**
 * A clock that stands still while anything is ready, and jumps to the next timer when nothing is:
 * programs that sleep for hours are tested in milliseconds, always in the same order.
 *
 * @example
 * ```ts
 * await run(main, { clock: new VirtualClock() });
 * ```
 */
export class VirtualClock implements Clock {
  readonly isolated: boolean;
  #now: number;
  #jump: NodeJS.Immediate | undefined;

  /**
   * @param options.start the time at the beginning, in milliseconds.
   * @param options.isolated whether nothing outside the loop (a socket, a file, a foreign promise)
   * will wake it. Then jumps take no turn of the host, and a program that can never go on fails with
   * a `DeadlockError` at once. Otherwise the host gets a turn before each jump.
   */
  constructor({ start = 0, isolated = false }: { start?: number; isolated?: boolean } = {}) {
    checkMilliseconds("start", start);
    this.#now = start;
    this.isolated = isolated;
  }

  now(): number {
    return this.#now;
  }

  park(deadline: number | null, wake: () => void): boolean {
    this.unpark();
    if (deadline === null || deadline === Infinity) return false;
    if (this.isolated) {
      this.#now = Math.max(this.#now, deadline);
      return true;
    }
    this.#jump = setImmediate(() => {
      this.#now = Math.max(this.#now, deadline);
      wake();
    });
    return false;
  }

  unpark(): void {
    clearImmediate(this.#jump);
    this.#jump = undefined;
  }
}
