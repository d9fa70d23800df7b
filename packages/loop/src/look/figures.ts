/** What the loops of a program did since it was last asked, as plain data. */
export interface Figures {
  /** How long ago that was, in milliseconds; it counts from the first time on, so then it is 0. */
  readonly period: number;
  /** How late the host's loop was for a timer, in milliseconds; null when there was none yet. */
  readonly lag: LagFigures | null;
  readonly loops: readonly LoopFigures[];
}

/** Of the delays of a period, in milliseconds. */
export interface LagFigures {
  readonly mean: number;
  /** What half of them were at most. */
  readonly p50: number;
  /** What 99 of 100 were at most. */
  readonly p99: number;
  readonly max: number;
}

/** What one loop did. */
export interface LoopFigures {
  /** As of a snapshot. */
  readonly id: number;
  /** How many steps it ran. */
  readonly steps: number;
  /** For how long it ran steps, in milliseconds. */
  readonly busy: number;
  /** How many steps are ready now. */
  readonly ready: number;
  /** How many timers are set now. */
  readonly timers: number;
  /** How many tasks are not done now. */
  readonly tasks: number;
  /** The longest steps of at least a millisecond, the longest first: at most 10. */
  readonly slowest: readonly SlowStep[];
}

/** A step that took long. */
export interface SlowStep {
  /** The task whose step it was, or the callback. */
  readonly name: string;
  /** How long it took, in milliseconds. */
  readonly duration: number;
  /** 1; or how many steps were timed in one go, the first of which bears the name: the slow one is among them. */
  readonly among: number;
}
