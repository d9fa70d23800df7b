import { checkFunction, type Coroutine, type Operation, operation } from "@aio/loop";
import type { WaitOptions } from "./wait-options.ts";

/** What is acquired and given back. */
export interface Acquirable {
  acquire(options?: WaitOptions): Operation<unknown>;
  release(): void;
}

/**
 * What `acquire()` gives: disposing it releases what was acquired, at the end of the block in
 * `using _held = await lock.acquire()`. Who releases by hand does not need it.
 */
export class Held implements Disposable {
  readonly #owner: { release(): void };

  constructor(owner: { release(): void }) {
    this.#owner = owner;
  }

  [Symbol.dispose](): void {
    this.#owner.release();
  }
}

/** Runs `body` between `acquire(options)` and `release()`. */
export function whileHeld<T>(
  owner: Acquirable,
  body: Coroutine<T>,
  options: WaitOptions | undefined,
): Operation<T> {
  checkFunction("body", body);
  return operation(async () => {
    await owner.acquire(options);
    try {
      return await body();
    } finally {
      owner.release();
    }
  });
}
