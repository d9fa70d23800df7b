import { checkFunction } from "./arguments.ts";
import { type Operation, toPromise } from "./awaitable.ts";
import { Scope } from "./scope.ts";
import { Context } from "./context.ts";
import { InvalidStateError, isCancelled, RuntimeError } from "./errors.ts";

/**
 * Starts `body` at once, in a scope of its own inside the current one: what our waiting functions
 * return. The scope moves to whoever awaits the operation, so that a deadline there reaches what
 * the operation waits for, and `cancel()` of the operation reaches nothing else.
 *
 * One that was cancelled and that nobody awaits is forgotten; one that failed is an unhandled rejection.
 *
 * @throws TypeError when `body` is not a function. What the body throws comes out of the operation.
 *
 * @example
 * ```ts
 * function firstLine(reader: StreamReader): Operation<string> {
 *   return operation(async () => (await reader.readline()).toString());
 * }
 * ```
 */
export function operation<T>(body: () => PromiseLike<T> | T): Operation<T> {
  checkFunction("body", body);
  return new ScopedOperation<T>().start(body, undefined);
}

/**
 * An operation that is its own scope. For those who write primitives that do something when the
 * scope is left; everybody else uses {@link operation}.
 */
export class ScopedOperation<T> extends Scope implements Operation<T> {
  #result: Promise<T> | undefined;
  #isAwaited = false;

  /** Calls `body(argument)` inside; to be called once. */
  start<A>(body: (argument: A) => PromiseLike<T> | T, argument: A): this {
    this.#result = Context.capture().runInScope(this, ScopedOperation.#run<T, A>, body, argument);
    return this;
  }

  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    if (this.#result === undefined)
      throw new InvalidStateError("The operation has not been started; call start() before");
    this.#isAwaited = true;
    if (this.isRunning)
      return Promise.reject(new RuntimeError("An operation cannot await itself")).then(
        onFulfilled,
        onRejected,
      );
    this.moveTo(Scope.current ?? null);
    return this.#result.then(onFulfilled, onRejected);
  }

  /** Leaves the scope when the body has ended. Returns what the operation gives for the `result` of the body. */
  protected succeeded(result: T): T {
    this.close();
    return result;
  }

  /** Leaves the scope when the body has thrown `error`. Throws that, or another, or returns what the operation gives. */
  protected failed(error: unknown): T {
    this.close();
    throw error;
  }

  static #run<T, A>(
    this: void,
    body: (argument: A) => PromiseLike<T> | T,
    argument: A,
  ): Promise<T> {
    let result: Promise<T>;
    try {
      result = toPromise(body(argument));
    } catch (error) {
      result = Promise.reject(error);
    }
    // Reactions run in the context in which `then` is called, so these two can look their operation up: no closures.
    return result.then(ScopedOperation.#succeed<T>, ScopedOperation.#fail) as Promise<T>;
  }

  static #succeed<T>(this: void, result: T): T {
    return (Scope.current as ScopedOperation<T>).succeeded(result);
  }

  static #fail(this: void, error: unknown): unknown {
    const ended = Scope.current as ScopedOperation<unknown>;
    if (!ended.#isAwaited && isCancelled(error)) ended.#forget();
    return ended.failed(error);
  }

  /** Cancelled, and perhaps never awaited: that is no unhandled rejection. */
  #forget(): void {
    this.#result?.catch(() => undefined);
  }
}
