/** What one child measured, per operation. */
export interface Sample {
  /** Wall time in nanoseconds. */
  readonly wall: number;
  /** CPU time of the process with all its threads, in nanoseconds. */
  readonly cpu: number;
  /** Resident memory in bytes; zero where the scenario is not about memory. */
  readonly bytes: number;
  /** Network scenarios: the share of the time in which the load generator was busy. */
  readonly client?: number;
  /** Network scenarios: how long half of the requests took at most, and 99 of 100, in nanoseconds. */
  readonly latency?: readonly [p50: number, p99: number];
}

/** Reads a sample from the last line that a child wrote. */
export function parseSample(output: string): Sample {
  const value: unknown = JSON.parse(output.trim().split("\n").at(-1) ?? "");
  if (!isSample(value)) throw new TypeError(`Expected a sample, got ${output}`);
  return value;
}

function isSample(value: unknown): value is Sample {
  return (
    typeof value === "object" &&
    value !== null &&
    ["wall", "cpu", "bytes"].every((key) => Number.isFinite(Reflect.get(value, key)))
  );
}
