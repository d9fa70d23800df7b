/**
 * What the loop runs, one at a time: a callback, the first step of a task, the waking of a wait.
 * For those who write primitives; everybody else uses `callSoon`.
 */
export interface Step {
  /**
   * Runs the step; it must not throw.
   * @returns whether it may have queued microtasks: only then the loop drains them before the next step.
   */
  run(): boolean;
}

/** A step that becomes ready at a point in time. */
export interface Timer extends Step {
  /** Kept by the loop: the place in its heap; -1 when the timer is not set. */
  index: number;
}
