import { inspect } from "node:util";
import type { CancelRequest } from "./cancel-request.ts";
import { recordCreation } from "./debug.ts";
import { isCancelled } from "./errors.ts";
import type { Future } from "./future.ts";
import { type Scope, ScopeNode } from "./scope.ts";
import type { Step } from "./step.ts";

/**
 * One `await` of a Future that was pending: the node in the scope that awaits, the step that wakes
 * it, and what `then` returns, in one object.
 */
export class FutureWait<T, R1, R2> extends ScopeNode implements Step, PromiseLike<R1 | R2> {
  readonly #future: Future<T>;
  readonly #onFulfilled: (value: T) => R1 | PromiseLike<R1>;
  readonly #onRejected: (reason: unknown) => R2 | PromiseLike<R2>;
  // Made only for those who use what `then` returns; `await` does not.
  #chained: PromiseWithResolvers<R1 | R2> | "settled" | null = null;

  constructor(
    future: Future<T>,
    scope: Scope | undefined,
    onFulfilled: (value: T) => R1 | PromiseLike<R1>,
    onRejected: (reason: unknown) => R2 | PromiseLike<R2>,
  ) {
    super();
    this.#future = future;
    this.#onFulfilled = onFulfilled;
    this.#onRejected = onRejected;
    if (future.loop.debug) recordCreation(this);
    future.addDoneStep(this);
    if (scope === undefined || scope.closed) return;
    this.enter(scope);
    const { owed } = scope;
    if (owed !== null && this.deliver(owed)) scope.takeOwed();
  }

  override deliver(request: CancelRequest): boolean {
    return this.#future.request(request);
  }

  [inspect.custom](): string {
    const task = this.parent?.task;
    const name =
      task !== null && task !== undefined && "label" in task ? ` in ${String(task.label)}` : "";
    return `<await of ${this.#future.describe()}${name}>`;
  }

  /** Nothing, when it has been woken. */
  override describe(): string {
    return this.#future.done ? "" : this.#future.describe();
  }

  run(): boolean {
    const scope = this.parent;
    this.leave();
    // As in CPython: the result is retrieved first; then a request that is still owed is thrown instead.
    let outcome: unknown;
    let failed = false;
    try {
      outcome = this.#future.result();
    } catch (error) {
      outcome = error;
      failed = true;
    }
    const owed = scope === null ? null : scope.takeOwed();
    if (owed !== null && !(failed && isCancelled(outcome))) {
      outcome = owed.error;
      failed = true;
    }
    this.#settle(outcome, failed);
    return true;
  }

  then<R3 = R1 | R2, R4 = never>(
    onFulfilled?: ((value: R1 | R2) => R3 | PromiseLike<R3>) | null,
    onRejected?: ((reason: unknown) => R4 | PromiseLike<R4>) | null,
  ): PromiseLike<R3 | R4> {
    const settled = this.#chained === "settled";
    const chained = this.#chain();
    if (settled) chained.resolve(undefined as R1);
    return chained.promise.then(onFulfilled, onRejected);
  }

  #settle(outcome: unknown, failed: boolean): void {
    try {
      const result = failed ? this.#onRejected(outcome) : this.#onFulfilled(outcome as T);
      if (this.#chained === null && result === undefined) this.#chained = "settled";
      else this.#chain().resolve(result);
    } catch (error) {
      this.#chain().reject(error); // unhandled, unless somebody chained: as with any promise
    }
  }

  #chain(): PromiseWithResolvers<R1 | R2> {
    if (this.#chained === null || this.#chained === "settled")
      this.#chained = Promise.withResolvers<R1 | R2>();
    return this.#chained;
  }
}
