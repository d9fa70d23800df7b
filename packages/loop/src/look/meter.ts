import { inspect } from "node:util";
import type { SlowStep } from "./figures.ts";
import type { SlowSteps } from "../slow-steps.ts";
import { taskOf, titleOf } from "./snapshot-of.ts";
import type { Step } from "../step.ts";

// In milliseconds: a step is slow from here on.
const SLOW = 1;
const KEPT = 10;
// A look at the clock may cost as much as a step: of quick ones, many are timed in one go.
const QUICK = 0.25;
const LONGEST_STRIDE = 64;

/** Counts and times the steps of a loop, while somebody looks: in place of the pump, it runs them. */
export class Meter {
  /** Of debug mode: what runs the steps in turn. */
  inner: SlowSteps | null = null;
  #steps = 0;
  #busy = 0;
  // What of the step that runs, or of those timed with it, was told as busy already.
  #told = 0;
  #slowest: SlowStep[] = [];
  #stride = 1;
  #left = 1;
  #start = performance.now();
  #first: Step | null = null;
  #task: object | null = null;

  /** A turn begins. */
  begin(): void {
    this.#stride = this.#left = 1;
    this.#start = performance.now();
  }

  /** It is over. */
  rest(): void {
    if (this.#left < this.#stride) this.#look();
  }

  /**
   * Runs `step`, and what it goes on with in microtasks, as far as `drain` can tell.
   * @returns whether there may be microtasks left.
   */
  run(step: Step, drain: (() => void) | null): boolean {
    this.#steps += 1;
    if (this.#left === 0) this.#look();
    if (this.#left === this.#stride) {
      this.#first = step;
      this.#task = taskOf(step); // now: a wait that is over has forgotten who waited
    }
    let mustDrain = this.inner === null ? step.run() : this.inner.run(step, drain);
    if (mustDrain && drain !== null) {
      drain();
      mustDrain = false;
    }
    this.#left -= 1;
    // Where the pump drains later, that is part of the step, too: the look comes before the next one.
    if (this.#left === 0 && drain !== null) this.#look();
    return mustDrain;
  }

  /** What was counted since the last time; of a step that runs right now, so far. */
  take(): {
    readonly steps: number;
    readonly busy: number;
    readonly slowest: readonly SlowStep[];
  } {
    if (this.#first !== null) {
      const running = performance.now() - this.#start;
      this.#busy += running - this.#told;
      this.#told = running;
    }
    const taken = { steps: this.#steps, busy: this.#busy, slowest: this.#slowest };
    this.#steps = this.#busy = 0;
    this.#slowest = [];
    return taken;
  }

  #look(): void {
    const now = performance.now();
    const duration = now - this.#start;
    this.#busy += duration - this.#told;
    this.#told = 0;
    if (duration >= SLOW) this.#note(duration);
    this.#first = this.#task = null;
    this.#stride = duration < QUICK ? Math.min(2 * this.#stride, LONGEST_STRIDE) : 1;
    this.#left = this.#stride;
    this.#start = now;
  }

  #note(duration: number): void {
    const shortest = this.#slowest.at(-1);
    if (shortest !== undefined && this.#slowest.length === KEPT && shortest.duration >= duration)
      return;
    const name = this.#task === null ? inspect(this.#first) : titleOf(this.#task);
    this.#slowest.push({ name, duration, among: this.#stride - this.#left });
    this.#slowest.sort((a, b) => b.duration - a.duration);
    if (this.#slowest.length > KEPT) this.#slowest.pop();
  }
}
