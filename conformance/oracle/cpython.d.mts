import type { Scenario } from "../src/scenario.ts";
import type { Trace } from "../src/trace.ts";

/** Runs scenarios on the asyncio of a real CPython: the truth that our traces are compared with. */
export interface Oracle {
  /** The version of CPython. */
  readonly version: string;
  run(scenario: Scenario): Trace;
}

/** Starts CPython, in the WebAssembly build of Pyodide; takes a second or two. */
export function createOracle(): Promise<Oracle>;
