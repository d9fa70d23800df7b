import { type Coroutine, VirtualClock } from "@aio/loop";
import { run } from "../src/index.ts";

/**
 * Runs `main` in a world where no time passes and nothing foreign wakes the loop: a test that would
 * hang fails at once, with a DeadlockError.
 */
export function isolated<T>(main: Coroutine<T>): Promise<T> {
  return run(main, { clock: new VirtualClock({ isolated: true }) });
}
