import { inspect } from "node:util";
import type { CancelRequest } from "./cancel-request.ts";
import { recordCreation } from "./debug.ts";
import { type Dependencies, noDependencies } from "./dependencies.ts";
import { isCancelled } from "./errors.ts";
import type { Future } from "./future.ts";
import { type Reactions, type Scope, ScopeNode } from "./scope.ts";
import type { Step } from "./step.ts";
import { nameOfTask } from "./task-name.ts";

// What `then` of a wait gave to those who use it. `await` does not, so it is no field of every wait.
let chains: WeakMap<object, PromiseWithResolvers<unknown>> | undefined;

/**
 * One `await` of a Future that was pending: the node in the scope that awaits, the step that wakes
 * it, and what `then` returns, in one object.
 */
export class FutureWait<T, R1, R2> extends ScopeNode implements Step, PromiseLike<R1 | R2> {
  /** Null when the wait is over. */
  declare private _future: Future<T> | null;
  declare private _onFulfilled: (value: T) => R1 | PromiseLike<R1>;
  declare private _onRejected: (reason: unknown) => R2 | PromiseLike<R2>;

  constructor(
    future: Future<T>,
    scope: Scope | undefined,
    onFulfilled: (value: T) => R1 | PromiseLike<R1>,
    onRejected: (reason: unknown) => R2 | PromiseLike<R2>,
  ) {
    super();
    this._future = future;
    this._onFulfilled = onFulfilled;
    this._onRejected = onRejected;
    if (future.loop.debug) recordCreation(this);
    future.addDoneStep(this);
    if (scope === undefined || scope.closed) return;
    this.enter(scope);
    const { owed } = scope;
    if (owed !== null && this.deliver(owed)) scope.takeOwed();
  }

  override deliver(request: CancelRequest): boolean {
    const future = this._future;
    if (future === null) return false;
    const isAccepted = future.request(request);
    if (!future.isAsking) return isAccepted;
    // The request has come round a circle of tasks that await each other: this one waits for what is cancelled instead.
    future.removeDoneStep(this);
    this._future = future.loop.createFuture<T>();
    this._future.addDoneStep(this);
    return this._future.request(request);
  }

  override get isWoken(): boolean {
    const future = this._future;
    return future !== null && future.done && !future.cancelled;
  }

  override overtake(request: CancelRequest): void {
    const future = this._future;
    if (future === null || !this.isWoken) return;
    future.exception(); // it counts as seen
    this._future = future.loop.createFuture<T>(); // what comes out of it instead
    void this._future.request(request);
  }

  [inspect.custom](): string {
    const task = this.parent?.task ?? null;
    return `<await of ${this._future?.describe() ?? "what is done"}${task === null ? "" : ` in ${nameOfTask(task)}`}>`;
  }

  /** Nothing, when it has been woken. */
  override describe(): string {
    return this._future === null || this._future.done ? "" : this._future.describe();
  }

  override get dependencies(): Dependencies {
    return this._future === null ? noDependencies : { ...noDependencies, on: [this._future] };
  }

  override exchange(exchange: (reactions: Reactions) => Reactions): void {
    const reactions = exchange({ onFulfilled: this._onFulfilled, onRejected: this._onRejected });
    this._onFulfilled = reactions.onFulfilled as (value: T) => R1;
    this._onRejected = reactions.onRejected as (reason: unknown) => R2;
  }

  run(): boolean {
    const future = this._future;
    if (future === null) return false;
    const scope = this.parent;
    this.leave();
    this._future = null;
    // As in CPython: the result is retrieved first; then a request that is still owed is thrown instead.
    let outcome: unknown;
    let failed = false;
    try {
      outcome = future.result();
    } catch (error) {
      outcome = error;
      failed = true;
    }
    const owed = scope === null ? null : scope.takeOwed();
    if (owed !== null && !(failed && isCancelled(outcome))) {
      outcome = owed.error;
      failed = true;
    }
    try {
      const result = failed ? this._onRejected(outcome) : this._onFulfilled(outcome as T);
      if (result !== undefined || chains?.has(this)) chainOf(this).resolve(result);
    } catch (error) {
      chainOf(this).reject(error); // unhandled, unless somebody chained: as with any promise
    }
    return true;
  }

  then<R3 = R1 | R2, R4 = never>(
    onFulfilled?: ((value: R1 | R2) => R3 | PromiseLike<R3>) | null,
    onRejected?: ((reason: unknown) => R4 | PromiseLike<R4>) | null,
  ): PromiseLike<R3 | R4> {
    const hasResult = chains?.has(this) ?? false;
    const chain = chainOf(this);
    if (this._future === null && !hasResult) chain.resolve(undefined);
    return (chain.promise as Promise<R1 | R2>).then(onFulfilled, onRejected);
  }
}

function chainOf(wait: object): PromiseWithResolvers<unknown> {
  chains ??= new WeakMap();
  let chain = chains.get(wait);
  if (chain === undefined) {
    chain = Promise.withResolvers<unknown>();
    chains.set(wait, chain);
  }
  return chain;
}
