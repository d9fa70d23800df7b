import { isDeepStrictEqual } from "node:util";
import type { Trace, TraceEvent } from "./trace.ts";

/** Where two traces part; a side is missing where its trace is at its end. */
export interface Difference {
  readonly index: number;
  readonly expected: TraceEvent | undefined;
  readonly actual: TraceEvent | undefined;
}

/** The first event in which two traces differ, or `null` when they are equal. */
export function firstDifference(expected: Trace, actual: Trace): Difference | null {
  const length = Math.max(expected.length, actual.length);
  for (let index = 0; index < length; index += 1) {
    const difference = { index, expected: expected[index], actual: actual[index] };
    if (!isDeepStrictEqual(difference.expected, difference.actual)) return difference;
  }
  return null;
}
