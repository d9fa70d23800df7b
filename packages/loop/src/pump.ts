import type { Clock } from "./clock.ts";
import { scopes } from "./context.ts";
import { canDrainNow, type DrainPath, drainNow, drainThen } from "./drain.ts";
import type { Meter } from "./look/meter.ts";
import { Ring } from "./ring.ts";
import type { SlowSteps } from "./slow-steps.ts";
import type { Step, Timer } from "./step.ts";
import { Timers } from "./timers.ts";

/** What the pump tells its loop. */
export interface PumpEvents {
  /** An iteration is over and the pump was asked to stop. */
  stopped(): void;
  /** Nothing is ready, no timer is set, and nothing alive could wake the loop. */
  deadlocked(): void;
}

// I/O is polled at least this often (in milliseconds) while something is always ready.
const POLL_INTERVAL = 1;
const LONGEST_STRIDE = 32;

/**
 * Runs the ready steps of a loop, one at a time, and drains all microtasks between two of them:
 * that makes a step of a task as atomic as in CPython, and the order of everything the same.
 *
 * A turn starts with a `setImmediate`, behind the I/O callbacks of the host's turn. It runs whole
 * iterations: timers that are due become ready, then exactly those steps run that are ready now;
 * what they add runs in the next iteration.
 */
export class Pump {
  /** Runs the steps in place of the pump: in debug mode, and while somebody measures. */
  observer: SlowSteps | Meter | null = null;
  /** The observer, while somebody measures. */
  meter: Meter | null = null;
  readonly #ready = new Ring<Step>();
  readonly #timers = new Timers();
  readonly #rests: (() => void)[] = [];
  readonly #clock: Clock;
  readonly #events: PumpEvents;
  readonly #path: DrainPath | undefined;
  #state: "stopped" | "idle" | "scheduled" | "turning" = "stopped";
  #drainsNow = false;
  #batch = 0;
  #interrupted = false;
  #stopping = false;
  #leaving = false;
  // A look at the host's clock costs as much as a quarter of a step: it is taken every few iterations, fewer when steps are slow.
  #stride = 1;
  #untilLook = 1;
  #turnStart = 0;
  #lastLook = 0;

  constructor(clock: Clock, events: PumpEvents, path: DrainPath | undefined) {
    this.#clock = clock;
    this.#events = events;
    this.#path = path;
  }

  enqueue(step: Step): void {
    this.#ready.push(step);
    if (this.#state === "idle") this.#wake();
  }

  addTimer(timer: Timer, when: number): void {
    this.#timers.add(timer, when);
    // Set from outside while the loop rests: it must look at its timers again.
    if (this.#state === "idle") this.#wake();
  }

  removeTimer(timer: Timer): void {
    this.#timers.remove(timer);
    // Taken from outside while the loop rests: the clock must not wait for it, and keep the process alive.
    if (this.#state === "idle") this.#clock.park(this.#deadline, this.#wake);
  }

  /** Calls `callback` when the running step has come to rest: when there is no microtask left. */
  atRest(callback: () => void): void {
    this.#rests.push(callback);
    if (this.#state === "idle") this.#wake();
  }

  start(): void {
    this.#leaving = false;
    this.#schedule();
    process.on("beforeExit", this.#beforeExit);
  }

  /** Asks for a stop at the end of the iteration that runs, or, when none does, of the next. */
  stop(): void {
    this.#stopping = true;
    if (this.#state === "idle") this.#wake();
  }

  /** Asks for a stop right after the step that runs. */
  leave(): void {
    this.#leaving = true;
    this.stop();
  }

  /** The steps that are ready, in their order: for reports. */
  get ready(): Step[] {
    return this.#ready.toArray();
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  /** When the next timer is due; Infinity when none is set. */
  get nextTimer(): number {
    return this.#timers.next;
  }

  clear(): void {
    this.#ready.clear();
    this.#timers.clear();
  }

  readonly #wake = (): void => {
    if (this.#state !== "idle") return;
    this.#clock.unpark();
    this.#schedule();
  };

  #schedule(): void {
    this.#state = "scheduled";
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    if (this.#state !== "scheduled") return;
    this.#state = "turning";
    // The immediate runs in the context of whoever woke the loop: that must not count as running in its scope.
    if (scopes.getStore() !== undefined) scopes.enterWith(undefined);
    const wasInterrupted = this.#interrupted;
    this.#interrupted = true;
    try {
      this.#drainsNow = this.#path !== "microtask" && canDrainNow();
      if (wasInterrupted) drainNow();
      else this.#beginIteration();
      this.#turnStart = 0;
      this.meter?.begin();
      this.#continue();
      this.#interrupted = false;
    } finally {
      // A tick of the program has thrown. The host is told as the error leaves; the rest runs in another turn.
      if (this.#interrupted) this.#schedule();
    }
  };

  #beginIteration(): void {
    if (this.#timers.size > 0) {
      const now = this.#clock.now();
      for (
        let timer = this.#timers.takeDue(now);
        timer !== undefined;
        timer = this.#timers.takeDue(now)
      ) {
        this.#ready.push(timer);
      }
    }
    this.#batch = this.#ready.length;
  }

  readonly #continue = (): void => {
    for (;;) {
      // Those that wait for the step that has just run, innermost first.
      if (this.#rests.length > 0) {
        this.#rests.pop()?.();
        if (!this.#drainsNow) return drainThen(this.#continue);
        drainNow();
      } else if (this.#batch > 0 && !this.#leaving) {
        this.#batch -= 1;
        const step = this.#ready.shift();
        const mustDrain =
          this.observer === null
            ? step.run()
            : this.observer.run(step, this.#drainsNow ? drainNow : null);
        if (!mustDrain) continue;
        if (!this.#drainsNow) return drainThen(this.#continue);
        drainNow();
      } else if (!this.#nextIteration()) {
        this.meter?.rest();
        return;
      }
    }
  };

  /** Begins another iteration in this turn, or ends the turn and returns false. */
  #nextIteration(): boolean {
    if (this.#stopping) {
      this.#stop();
      return false;
    }
    if (this.#ready.length === 0 && !this.#park()) return false;
    if (this.#isTimeToPoll()) {
      this.#schedule();
      return false;
    }
    this.#beginIteration();
    return true;
  }

  /** Rests until the next timer; returns true when it is due already. */
  #park(): boolean {
    this.#state = "idle";
    if (this.#clock.park(this.#deadline, this.#wake)) {
      this.#state = "turning";
      return true;
    }
    if (this.#clock.isolated) this.#events.deadlocked();
    return false;
  }

  /** When the next timer is due; null when none is set. */
  get #deadline(): number | null {
    return this.#timers.size === 0 ? null : this.#timers.next;
  }

  #isTimeToPoll(): boolean {
    this.#untilLook -= 1;
    if (this.#untilLook > 0) return false;
    const now = performance.now();
    if (this.#turnStart === 0) this.#turnStart = this.#lastLook = now;
    this.#stride =
      now - this.#lastLook < POLL_INTERVAL / 4 ? Math.min(2 * this.#stride, LONGEST_STRIDE) : 1;
    this.#untilLook = this.#stride;
    this.#lastLook = now;
    return now - this.#turnStart >= POLL_INTERVAL;
  }

  #stop(): void {
    this.#state = "stopped";
    this.#stopping = false;
    this.#clock.unpark();
    this.#clock.park(null, this.#wake);
    process.off("beforeExit", this.#beforeExit);
    this.#events.stopped();
  }

  readonly #beforeExit = (): void => {
    if (this.#state === "idle" && this.#timers.size === 0) this.#events.deadlocked();
  };
}
