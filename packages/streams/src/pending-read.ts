import { inspect } from "node:util";
import {
  CancelRequest,
  type EventLoop,
  isCancelled,
  type Operation,
  type Reactions,
  recordCreation,
  Scope,
  ScopeNode,
  type Step,
  toPromise,
} from "@aio/loop";
import type { ReadRequest } from "./requests.ts";

/** What is read from. */
export interface ReadSource {
  readonly loop: EventLoop;
  /** Reads, when the wait is over, or throws `failure`; returns null to wait on. */
  goOn(pending: PendingRead, failure: Error | null): Buffer | null;
}

/**
 * A read that waits for data: the node in the scope that waits, the step that goes on, and what the
 * caller awaits, in one object. An `operation()` would do the same at several times the cost.
 *
 * Bytes are taken out when the step runs, not when they come: a read that is cancelled at the last
 * moment leaves them in the reader.
 */
export class PendingRead extends ScopeNode implements Operation<Buffer>, Step {
  /** What is asked for. */
  readonly request: ReadRequest;
  readonly #source: ReadSource;
  #isWoken = false;
  #failure: Error | null = null;
  #reaction: Reaction | null = null;
  // What came of it: the bytes, or a promise that was rejected.
  #outcome: Buffer | Promise<Buffer> | null = null;

  constructor(source: ReadSource, request: ReadRequest) {
    super();
    this.#source = source;
    this.request = request;
    if (source.loop.debug) recordCreation(this);
    this.#wait(Scope.current);
  }

  /** Makes the read go on in the next iteration of the loop; with `failure`, by throwing that. */
  wake(failure: Error | null = null): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    this.#failure = failure;
    this.#source.loop.enqueue(this);
  }

  then<R1 = Buffer, R2 = never>(
    onFulfilled?: ((value: Buffer) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    if (this.#outcome !== null) return Promise.resolve(this.#outcome).then(onFulfilled, onRejected);
    // Called by hand: as a promise, which keeps the async context for the callback. An await needs no such thing.
    if (typeof onFulfilled !== "function" || typeof onRejected !== "function")
      return toPromise<Buffer>(this).then(onFulfilled, onRejected);
    const scope = Scope.current;
    if (scope !== (this.parent ?? undefined)) {
      this.leave();
      this.#wait(scope);
    }
    this.#reaction = new Reaction(onFulfilled, onRejected, this.#reaction);
    return this.#reaction as Reaction<R1 | R2>;
  }

  cancel(message?: string): boolean {
    if (this.#outcome !== null) return false;
    const { error } = new CancelRequest(message, "caller");
    // Woken already, it ends by the cancellation all the same: what it was woken for stays in the reader.
    if (this.#isWoken) this.#failure = error;
    else this.wake(error);
    return true;
  }

  override deliver(request: CancelRequest): boolean {
    if (this.#isWoken) return false;
    this.wake(request.error);
    return true;
  }

  run(): boolean {
    const scope = this.parent;
    this.leave();
    // As in CPython: a request that is still owed is thrown, whatever else the wait has ended with.
    const owed = scope === null ? null : scope.takeOwed();
    if (owed !== null && !isCancelled(this.#failure)) this.#failure = owed.error;
    let data: Buffer | null;
    try {
      data = this.#source.goOn(this, this.#failure);
    } catch (error) {
      this.#fail(error);
      return true;
    }
    if (data === null) {
      this.#isWoken = false;
      this.#wait(scope ?? undefined);
      return false;
    }
    this.#outcome = data;
    this.#reaction?.settle(data, false);
    return true;
  }

  /** Those of the newest `await`. */
  override exchange(exchange: (reactions: Reactions) => Reactions): void {
    this.#reaction?.exchange(exchange);
  }

  /** Nothing, when it has been woken. */
  override describe(): string {
    return this.#isWoken ? "" : this.#label;
  }

  [inspect.custom](): string {
    const task = this.parent?.task ?? null;
    const name = task !== null && "label" in task ? ` in ${String(task.label)}` : "";
    return `<await of ${this.#label}${name}>`;
  }

  get #label(): string {
    return `${this.request.method}() of ${inspect(this.#source)}`;
  }

  /** Waits in `scope`. A request that it owes is delivered at once. */
  #wait(scope: Scope | undefined): void {
    if (scope === undefined || scope.closed) return;
    this.enter(scope);
    const { owed } = scope;
    if (owed !== null && this.deliver(owed)) scope.takeOwed();
  }

  #fail(reason: unknown): void {
    const rejected = Promise.reject<Buffer>(reason);
    this.#outcome = rejected;
    // A failure that nobody awaits is an unhandled rejection; a cancellation is none.
    if (this.#reaction !== null || isCancelled(reason)) rejected.catch(() => undefined);
    this.#reaction?.settle(reason, true);
  }
}

/** What one `await` of a read does at the end; and what `then` returned, which an `await` does not use. */
class Reaction<R = unknown> implements PromiseLike<R> {
  #onFulfilled: (value: Buffer) => unknown;
  #onRejected: (reason: unknown) => unknown;
  readonly #earlier: Reaction | null;
  #chained: PromiseWithResolvers<R> | null = null;
  #isSettled = false;

  constructor(
    onFulfilled: (value: Buffer) => unknown,
    onRejected: (reason: unknown) => unknown,
    earlier: Reaction | null,
  ) {
    this.#onFulfilled = onFulfilled;
    this.#onRejected = onRejected;
    this.#earlier = earlier;
  }

  exchange(exchange: (reactions: Reactions) => Reactions): void {
    const reactions = exchange({ onFulfilled: this.#onFulfilled, onRejected: this.#onRejected });
    this.#onFulfilled = reactions.onFulfilled as (value: Buffer) => unknown;
    this.#onRejected = reactions.onRejected;
  }

  settle(outcome: unknown, failed: boolean): void {
    this.#earlier?.settle(outcome, failed);
    this.#isSettled = true;
    try {
      const result = failed ? this.#onRejected(outcome) : this.#onFulfilled(outcome as Buffer);
      if (this.#chained !== null || result !== undefined) this.#chain().resolve(result as R);
    } catch (error) {
      this.#chain().reject(error); // unhandled, unless somebody chained: as with any promise
    }
  }

  then<R1 = R, R2 = never>(
    onFulfilled?: ((value: R) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    const isNew = this.#chained === null;
    const chained = this.#chain();
    if (isNew && this.#isSettled) chained.resolve(undefined as R);
    return chained.promise.then(onFulfilled, onRejected);
  }

  #chain(): PromiseWithResolvers<R> {
    return (this.#chained ??= Promise.withResolvers<R>());
  }
}
