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

/**
 * Returns between which two of `values` the median of all that could be measured lies, 19 times out of 20: by
 * counting, as in a sign test, so it does not matter how they are distributed. All of them when they are few.
 */
export function medianInterval(values: readonly number[]): readonly [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const left = Math.max(0, Math.floor((sorted.length - 1.96 * Math.sqrt(sorted.length)) / 2) - 1);
  const low = sorted[left];
  const high = sorted.at(-1 - left);
  if (low === undefined || high === undefined)
    throw new RangeError("Expected `values` to have at least one number");
  return [low, high];
}
