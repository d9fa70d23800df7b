import { channel } from "node:diagnostics_channel";

const lagChannel = channel("aio:loop:lag");

/**
 * Publishes on the channel `aio:loop:lag` of `node:diagnostics_channel`, while somebody subscribes, by how many
 * milliseconds the loop was late: `{ lag }`. The timer does not keep the process alive.
 *
 * @param options.interval how often, in milliseconds: 100 by default.
 * @returns a function that ends it.
 *
 * @example
 * ```ts
 * publishLoopLag();
 * subscribe("aio:loop:lag", (message) => histogram.record((message as { lag: number }).lag));
 * ```
 */
export function publishLoopLag({
  interval = 100,
}: { readonly interval?: number | undefined } = {}): () => void {
  let due = performance.now() + interval;
  const timer = setInterval(() => {
    const now = performance.now();
    if (lagChannel.hasSubscribers) lagChannel.publish({ lag: Math.max(0, now - due) });
    due = now + interval;
  }, interval);
  timer.unref();
  return () => clearInterval(timer);
}
