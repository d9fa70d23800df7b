import type { Operation } from "./awaitable.ts";

/**
 * Returns an operation that is done: for what needs no waiting, at a fraction of the cost of
 * `operation()`. It takes no turn of the loop, and there is nothing to cancel.
 *
 * @example
 * ```ts
 * const wait = (): Operation<true> => (flag ? completed(true) : operation(() => park()));
 * ```
 */
export function completed<T>(value: T): Operation<T> {
  // A promise would come out of `Promise.resolve` itself, and is not ours to give a `cancel`.
  const resolved =
    value instanceof Promise ? value.then((inner: T) => inner) : Promise.resolve(value);
  const promise = resolved as Promise<T> & Pick<Operation<T>, "cancel">;
  promise.cancel = refuse;
  return promise;
}

function refuse(): boolean {
  return false;
}
