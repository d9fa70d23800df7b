import { createHistogram } from "node:perf_hooks";
import type { LagFigures } from "./figures.ts";

// In milliseconds.
const INTERVAL = 10;

/**
 * How late the host's loop is for a timer that should come every 10 ms. Not by `monitorEventLoopDelay`: that forgets
 * of a callback that holds the loop while it is asked, and just that one is looked for.
 *
 * Whoever asks by the debug protocol may interrupt Node in the middle of its work on timers: so the timer is set a
 * turn later, and cleared by itself.
 */
export class Lag {
  readonly #histogram = createHistogram(); // in nanoseconds
  #due = performance.now() + INTERVAL;

  /** @param isWanted asked before each time whether to go on. */
  constructor(isWanted: () => boolean) {
    setImmediate(() => {
      const timer = setInterval(() => {
        if (!isWanted()) return clearInterval(timer);
        this.#note();
        this.#due = performance.now() + INTERVAL;
      }, INTERVAL);
      timer.unref();
    });
  }

  /** What it was since the last time; of what holds the loop right now, so far. Null when the timer was not due yet. */
  take(): LagFigures | null {
    if (performance.now() > this.#due) this.#note();
    const { count, mean, max } = this.#histogram;
    if (count === 0) return null;
    const [p50, p99] = [50, 99].map((percentile) => this.#histogram.percentile(percentile) / 1e6);
    this.#histogram.reset();
    return { mean: mean / 1e6, p50: p50 ?? 0, p99: p99 ?? 0, max: max / 1e6 };
  }

  #note(): void {
    const late = performance.now() - this.#due;
    this.#histogram.record(Math.max(1, Math.round(late * 1e6))); // takes no 0
  }
}
