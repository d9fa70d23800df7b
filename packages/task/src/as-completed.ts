import { inspect } from "node:util";
import {
  type Awaitable,
  checkMilliseconds,
  type Future,
  getRunningLoop,
  isThenable,
  type Operation,
  operation,
  type Step,
  TimeoutError,
  type TimerHandle,
} from "@aio/loop";
import { ensureFuture } from "./create-task.ts";
import { PartsDone } from "./parts-done.ts";

/**
 * Gives the outcomes of `awaitables` in the order in which they are there.
 *
 * `for await` gives the Futures themselves, done: the tasks that were passed, or made for the
 * functions that were. Plain `for` gives operations, each to be awaited for the next result or error.
 *
 * Cancellation: the awaitables go on. So they do when `timeout` has passed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.as_completed | asyncio.as_completed}.
 *
 * @param options.timeout how long to wait for all of them, in milliseconds; null for no limit.
 * @throws TimeoutError (from the iteration or from an operation) when `timeout` has passed; TypeError for what is not iterable.
 *
 * @example
 * ```ts
 * for await (const task of asCompleted(tasks)) console.log(task.result());
 * ```
 */
export function asCompleted<A extends Awaitable<unknown>>(
  awaitables: Iterable<A>,
  options?: { readonly timeout?: number | null | undefined },
): Completions<A extends Awaitable<infer T> ? T : never>;
export function asCompleted(
  awaitables: Iterable<Awaitable<unknown>>,
  { timeout = null }: { readonly timeout?: number | null | undefined } = {},
): Completions<unknown> {
  if (
    isThenable(awaitables) ||
    typeof awaitables !== "object" ||
    awaitables === null ||
    !(Symbol.iterator in awaitables)
  ) {
    throw new TypeError(
      `Expected \`awaitables\` to be an iterable of awaitables, got ${inspect(awaitables)}`,
    );
  }
  if (timeout !== null) checkMilliseconds("timeout", timeout);
  return new Completions(awaitables, timeout);
}

/**
 * A Future that is done, as `for await` gives it. TypeScript takes the `then` of what is iterated for
 * a promise to unwrap; JavaScript does not unwrap it.
 */
export type Completed<T> = Omit<Future<T>, "then">;

/** What {@link asCompleted} gives: to be iterated once, in either way. */
export class Completions<T> implements Iterable<Operation<T>>, AsyncIterable<Completed<T>> {
  readonly #pending = new Map<Future<T>, Step>(); // with what notices their ends
  readonly #done: (Future<T> | "timeout")[] = [];
  readonly #waiting: Future<undefined>[] = [];
  #left: number;
  #timer: TimerHandle | null = null;

  constructor(awaitables: Iterable<Awaitable<T>>, timeout: number | null) {
    // A promise that is there twice counts once; a function runs twice.
    const followed = new Set<Awaitable<T>>();
    for (const awaitable of awaitables) {
      if (followed.has(awaitable)) continue;
      if (typeof awaitable !== "function") followed.add(awaitable);
      const future = ensureFuture(awaitable);
      const step: Step = {
        run: () => {
          this.#completed(future);
          return false;
        },
      };
      this.#pending.set(future, step);
    }
    this.#left = this.#pending.size;
    for (const [future, step] of this.#pending) future.addDoneStep(step);
    if (this.#left > 0 && timeout !== null)
      this.#timer = getRunningLoop().callLater(timeout, () => this.#expired());
  }

  [Symbol.iterator](): Iterator<Operation<T>> {
    return {
      next: () => {
        if (this.#left === 0) return { done: true, value: undefined };
        this.#left -= 1;
        return { done: false, value: operation(async () => (await this.#next()).future.result()) };
      },
    };
  }

  // By hand: an async generator would await the Futures that it yields.
  [Symbol.asyncIterator](): AsyncIterator<Completed<T>> {
    return {
      next: async () => {
        if (this.#left === 0) return { done: true, value: undefined };
        this.#left -= 1;
        try {
          const { future } = await this.#next();
          return { done: false, value: future };
        } catch (error) {
          if (this.#waiting.length === 0) this.#letGo(); // as an async generator, it ends when it throws
          throw error;
        }
      },
      return: async () => {
        this.#letGo();
        return { done: true, value: undefined };
      },
    };
  }

  /** Ends the iteration: notices no more ends, unless a time was given. That passes, as in CPython. */
  #letGo(): void {
    this.#left = 0;
    if (this.#timer === null) this.#unwatch();
  }

  #unwatch(): void {
    for (const [future, step] of this.#pending) future.removeDoneStep(step);
    this.#pending.clear();
  }

  /** The next one that is done, in an object: an async function cannot return a Future. */
  async #next(): Promise<{ readonly future: Future<T> }> {
    while (this.#done.length === 0) await this.#park();
    const future = this.#done.shift();
    if (future === undefined) throw new Error("unreachable: checked above");
    if (future === "timeout") throw new TimeoutError("Not all awaitables were done in time");
    return { future };
  }

  async #park(): Promise<void> {
    const parts = { [Symbol.iterator]: () => this.#pending.keys() };
    const ready = new PartsDone(getRunningLoop(), parts, "any", "asCompleted()");
    this.#waiting.push(ready);
    try {
      await ready;
    } catch (error) {
      const index = this.#waiting.indexOf(ready);
      if (index >= 0) void this.#waiting.splice(index, 1);
      // Woken and cancelled at once: the next one takes what is there.
      if (this.#done.length > 0 && !ready.cancelled) this.#wakeNext();
      throw error;
    }
  }

  #completed(future: Future<T>): void {
    if (!this.#pending.delete(future)) return; // it was on its way already when nobody was to notice it any more
    this.#put(future);
    if (this.#pending.size === 0) this.#timer?.cancel();
  }

  #expired(): void {
    const { size } = this.#pending;
    this.#unwatch();
    for (let missing = size; missing > 0; missing -= 1) this.#put("timeout");
  }

  #put(item: Future<T> | "timeout"): void {
    this.#done.push(item);
    this.#wakeNext();
  }

  #wakeNext(): void {
    for (
      let waiting = this.#waiting.shift();
      waiting !== undefined;
      waiting = this.#waiting.shift()
    ) {
      if (waiting.done) continue;
      waiting.setResult(undefined);
      return;
    }
  }
}
