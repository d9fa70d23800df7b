import {
  cancellationOf,
  CancelledError,
  checkMilliseconds,
  RuntimeError,
  TimeoutError,
} from "@aio/loop";
import type { PackedError } from "./pack-error.ts";
import { unpackError } from "./unpack-error.ts";

/** What a future needs to know of its call. */
interface Call {
  readonly name: string;
  /** Blocks the thread until the call is over, or the time has passed; null where that cannot be. */
  readonly wait: ((timeout: number) => boolean) | null;
  cancel(message: string | undefined): void;
}

interface Outcome {
  readonly isError: boolean;
  readonly value: unknown;
}

/**
 * What comes of a call to a loop of another thread. Await it; or block the thread for it, by `result()`.
 *
 * Counterpart of {@link https://docs.python.org/3/library/concurrent.futures.html#future-objects | concurrent.futures.Future}.
 */
export class ConcurrentFuture<T> implements PromiseLike<T> {
  readonly #call: Call;
  readonly #promise: Promise<T>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;
  #outcome: Outcome | null = null;

  constructor(call: Call) {
    this.#call = call;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    promise.catch(() => undefined); // also read by result() and exception()
  }

  /** Whether it has a result or an exception, or was cancelled. */
  get done(): boolean {
    return this.#outcome !== null;
  }

  /** Whether it was cancelled, here or in the thread of the loop. */
  get cancelled(): boolean {
    return (
      this.#outcome !== null &&
      this.#outcome.isError &&
      cancellationOf(this.#outcome.value) !== null
    );
  }

  /**
   * Returns the result; blocks this thread until it is there.
   * @param timeout how many milliseconds it blocks at most: no limit by default. The work goes on behind it.
   * @throws what the work has thrown; TimeoutError when the time has passed; RuntimeError where a thread cannot
   * block: in the process of a `ProcessPoolExecutor`.
   */
  result(timeout: number | null = null): T {
    const { isError, value } = this.#wait(timeout);
    if (isError) throw value;
    return value as T;
  }

  /** As {@link ConcurrentFuture.result}, but returns what the work has thrown, or null. */
  exception(timeout: number | null = null): unknown {
    const { isError, value } = this.#wait(timeout);
    if (isError && cancellationOf(value) !== null) throw value;
    return isError ? value : null;
  }

  /** Cancels it, and asks the loop to cancel the work. Returns false when it is done. */
  cancel(message?: string): boolean {
    if (this.done) return false;
    this.#call.cancel(message);
    this.#end(true, new CancelledError(message));
    return true;
  }

  /** Has `callback(future)` called when it is done; at once, when it is. */
  addDoneCallback(callback: (future: this) => unknown): void {
    const call = (): void => void callback(this);
    if (this.done) call();
    else void this.#promise.then(call, call);
  }

  // oxlint-disable-next-line unicorn/no-thenable -- awaited
  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    return this.#promise.then(onFulfilled, onRejected);
  }

  /** Ends it with the answer of the loop. */
  settle(isError: boolean, value: unknown): void {
    if (!this.done) this.#end(isError, isError ? unpackError(value as PackedError) : value);
  }

  #wait(timeout: number | null): Outcome {
    if (timeout !== null) checkMilliseconds("timeout", timeout);
    if (this.#outcome === null) {
      const { wait, name } = this.#call;
      if (wait === null)
        throw new RuntimeError(`A process cannot block for \`${name}\`; await it instead`);
      if (!wait(timeout ?? Infinity))
        throw new TimeoutError(`\`${name}\` took longer than ${timeout} ms`);
    }
    if (this.#outcome === null) throw new Error("unreachable: the bell rings behind the answer");
    return this.#outcome;
  }

  #end(isError: boolean, value: unknown): void {
    this.#outcome = { isError, value };
    if (isError) this.#reject(value);
    else this.#resolve(value as T);
  }
}
