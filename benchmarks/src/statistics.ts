/** The middle of some numbers, and how far they reach. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Returns the median of `values`, which must not be empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  if (low === undefined || high === undefined)
    throw new RangeError("Expected `values` to have at least one number");
  return (low + high) / 2;
}

/**
 * Returns the spread of `values`, which must not be empty.
 * @internal
 */
export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Returns the spread of the ratios of each value to the one of the same round in `baseline`. */
export function ratios(values: readonly number[], baseline: readonly number[]): Spread {
  if (values.length !== baseline.length)
    throw new RangeError(
      `Expected as many rounds of each, got ${values.length} and ${baseline.length}`,
    );
  return spread(values.map((value, round) => value / (baseline[round] ?? Number.NaN)));
}
