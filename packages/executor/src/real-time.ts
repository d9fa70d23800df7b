const LONGEST = 2_147_483_647; // what the host's timers can

/**
 * Calls `callback` in so many milliseconds of real time, unless the process ends before: threads and
 * processes live in real time, whatever the clock of the loop shows, and outlive the loop.
 * @returns a function that calls it off.
 */
export function after(delay: number, callback: () => void): () => void {
  if (delay === Infinity) return () => undefined;
  const timer = setTimeout(callback, Math.min(delay, LONGEST)).unref();
  return () => clearTimeout(timer);
}
