import type { PythonPeer } from "./python.ts";

/** What a scenario asks of its surroundings, beside doing its operations. */
export interface Probe {
  /** Memory scenarios: everything is parked now, measure. */
  readonly parked: () => void;
  /** Does a part of what is to be measured, where there is something to prepare: only such parts count, all of one size. */
  readonly timed: <T>(work: () => Promise<T>) => Promise<T>;
  /** Network scenarios: have the load generator send all requests to `port`, and measure meanwhile. */
  readonly load: (port: number) => Promise<number>;
}

/** Does `n` operations. Returns how many it has seen come out right: that must be `n`. */
export type Body = (n: number, probe: Probe) => Promise<number>;

/** One way of doing what a scenario measures. */
export interface Implementation {
  readonly body: Body | PythonPeer;
  /** The ratio to the baseline that it must reach: for ours only. */
  readonly target?: number;
  /** The share of the operations that it does: for peers that would take minutes. */
  readonly share?: number;
}

/** What a target is about: wall or CPU time per operation, or resident bytes each. */
export type Metric = "wall" | "cpu" | "bytes";

/** One thing to measure, in several implementations: the first is the baseline of the ratios. */
export interface Scenario {
  /** Its number in the list of targets. */
  readonly id: string;
  readonly title: string;
  readonly metric: Metric;
  readonly operations: number;
  /** Network scenarios: connections of the load generator. */
  readonly connections?: number;
  /** Network scenarios: bytes of a message, 64 by default. */
  readonly messageSize?: number;
  readonly implementations: Readonly<Record<string, Implementation>>;
}
