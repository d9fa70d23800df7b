// What the workers of the scenarios 10 do, in every pool.

/** Gives back what it gets. */
export function echo(value: number): number {
  return value;
}

/** Keeps a processor busy for so many milliseconds. */
export function spin(duration: number): number {
  const end = performance.now() + duration;
  while (performance.now() < end);
  return duration;
}
