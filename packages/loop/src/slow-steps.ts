import { inspect } from "node:util";
import { log } from "./log.ts";
import type { EventLoop } from "./loop.ts";
import type { Step } from "./step.ts";

/** In debug mode: knows which step runs, and reports one that holds the loop for long. */
export class SlowSteps {
  readonly #loop: EventLoop;
  #running: Step | null = null;

  constructor(loop: EventLoop) {
    this.#loop = loop;
  }

  /** The step that runs, or null. */
  get running(): Step | null {
    return this.#running;
  }

  /** Runs `step`, and what it goes on with in microtasks, as far as `drain` can tell. Returns true: there may be microtasks left. */
  run(step: Step, drain: (() => void) | null): boolean {
    const name = inspect(step); // now: a wait that is over has forgotten who waited
    const start = performance.now();
    this.#running = step;
    try {
      step.run();
      drain?.();
    } finally {
      this.#running = null;
    }
    const duration = performance.now() - start;
    if (duration >= this.#loop.slowCallbackDuration)
      log.warn(`Executing ${name} took ${duration.toFixed(0)} ms`);
    return true; // the report may have queued some
  }
}
