import { getRunningLoop, throwIfCancelled } from "@aio/loop";
import { sleep } from "@aio/task";

/** When, and how often, what has failed is started again. Times are in milliseconds. */
export interface Policy {
  /** The time before the first restart; each further one in a row takes twice as long. */
  readonly delay: number;
  readonly maxDelay: number;
  /** How many failures in a row are too many. */
  readonly maxFailures: number;
  /** What has run for so long was healthy: its next failure is a first one. */
  readonly healthy: number;
}

/**
 * Runs `service` until it ends without an error, and again when it fails.
 * @throws Error when it has failed too often, with the last failure as its `cause`.
 */
export async function supervise(
  name: string,
  service: () => Promise<void>,
  { delay, maxDelay, maxFailures, healthy }: Policy,
) {
  const loop = getRunningLoop();
  for (let failures = 0; ;) {
    const begin = loop.time();
    try {
      await service();
      return;
    } catch (error) {
      throwIfCancelled(error);
      failures = loop.time() - begin < healthy ? failures + 1 : 1;
      if (failures >= maxFailures)
        throw new Error(`${name} failed ${failures} times in a row`, { cause: error });
      const pause = Math.min(delay * 2 ** (failures - 1), maxDelay);
      console.log(`${name} failed: ${String(error)}; again in ${pause} ms`);
      await sleep(pause);
    }
  }
}
