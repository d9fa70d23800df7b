import { Scope } from "./scope.ts";
import { RuntimeError } from "./errors.ts";

/**
 * Returns a signal that is aborted when the current scope is cancelled, by the very error that our
 * own waits throw: foreign operations stop too, and throw the right thing. Ask anew for each
 * operation: the signal of a request that has been delivered stays aborted.
 *
 * @throws {@link RuntimeError} outside of every task and scope.
 *
 * @example
 * ```ts
 * const response = await fetch(url, { signal: abortSignal() });
 * ```
 */
export function abortSignal(): AbortSignal {
  const scope = Scope.current;
  if (scope !== undefined) return scope.signal;
  throw new RuntimeError("There is no current scope; call abortSignal() inside of a task");
}
