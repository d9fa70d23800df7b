/**
 * Work that has not started: a function that starts it. TypeScript's counterpart of Python's
 * coroutine object, since calling an async function starts it at once.
 *
 * @example
 * ```ts
 * const task = createTask(() => fetchPage(url));
 * ```
 */
export type Coroutine<T> = () => PromiseLike<T> | T;

/**
 * Work that can be cancelled by itself, and has started already: what a waiting function of ours
 * returns. It belongs to the scope that started it until another awaits it: then to that one.
 */
export interface Operation<T> extends PromiseLike<T> {
  /**
   * Asks the operation to end with a `CancelledError`.
   * @param message the message of that error.
   * @returns false when it is done already.
   */
  cancel(message?: string): boolean;
}

/**
 * What can be waited for: a coroutine function, a Future or Task, an operation, or a foreign
 * promise. A foreign promise cannot be stopped, only left behind.
 */
export type Awaitable<T> = Coroutine<T> | PromiseLike<T>;

/** Whether `value` has a `then` method. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === "object" || typeof value === "function") &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/**
 * Returns what a coroutine function gave as a native promise. What is a Future or an operation is
 * waited for in the current scope, which can interrupt it.
 */
export function toPromise<T>(result: PromiseLike<T> | T): Promise<T> {
  if (result instanceof Promise) return result;
  return isThenable(result) ? awaitHere(result) : Promise.resolve(result);
}

async function awaitHere<T>(result: PromiseLike<T>): Promise<T> {
  return await result;
}
