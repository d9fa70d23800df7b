import type { Operation } from "./awaitable.ts";
import { CancelScope } from "./cancel-scope.ts";
import { isCancelled } from "./errors.ts";

/**
 * Starts `body` at once, in a scope of its own inside the current one: what our waiting functions
 * return. The scope moves to whoever awaits the operation, so that a deadline there reaches what
 * the operation waits for, and `cancel()` of the operation reaches nothing else.
 *
 * One that was cancelled and that nobody awaits is forgotten; one that failed is an unhandled rejection.
 *
 * @param body the work; it gets its scope.
 * @param options.handOn whether a request that is still owed at the end passes to the scope around.
 *
 * @example
 * ```ts
 * function firstLine(reader: StreamReader): Operation<string> {
 *   return operation(async () => (await reader.readline()).toString());
 * }
 * ```
 */
export function operation<T>(
  body: (scope: CancelScope) => PromiseLike<T> | T,
  options?: { handOn?: boolean },
): Operation<T> {
  return new ScopedOperation(body, options?.handOn ?? false);
}

class ScopedOperation<T> implements Operation<T> {
  readonly #scope = new CancelScope();
  readonly #result: Promise<T>;
  readonly #end: Promise<void>;
  #awaited = false;

  constructor(body: (scope: CancelScope) => PromiseLike<T> | T, handOn: boolean) {
    const scope = this.#scope;
    // Awaited inside the scope: the body may return a bare Future.
    this.#result = scope.run(async () => await body(scope));
    this.#end = this.#result.then(
      () => scope.close(handOn),
      (error: unknown) => {
        scope.close(handOn);
        if (!this.#awaited && !isCancelled(error)) throw error;
      },
    );
  }

  cancel(message?: string): boolean {
    return this.#scope.cancel(message);
  }

  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): Promise<R1 | R2> {
    if (!this.#awaited) {
      this.#awaited = true;
      this.#end.catch(() => undefined); // failed, and awaited only now: no longer unhandled
    }
    this.#scope.moveTo(CancelScope.current ?? null);
    return this.#result.then(onFulfilled, onRejected);
  }
}
