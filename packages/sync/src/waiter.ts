import { inspect } from "node:util";
import {
  CancelRequest,
  type EventLoop,
  isCancelled,
  type Operation,
  recordCreation,
  Scope,
  ScopeNode,
  type Step,
  toPromise,
} from "@aio/loop";
import type { LoopBinding } from "./loop-binding.ts";
import { Reaction } from "./reaction.ts";
import { nameOfTask } from "./task-name.ts";

const WAITING = 0;
const WOKEN = 1;
const CANCELLED = 2;
const FULFILLED = 3;
const REJECTED = 4;

// What is to be done when a wait is over. Few have something: a field of every wait would cost more.
const endings = new WeakMap<object, () => void>();
let endsEver = false;

/** What {@link Waiter.finish} gives when there was nothing for it after all, and it waits on. */
export const AGAIN: unique symbol = Symbol("again");

/**
 * One wait for a primitive, as an operation written by hand: the place in the queue of the primitive,
 * the node in the scope that waits, the step that wakes it, and what is awaited, in one object. It
 * finishes its work in the step that wakes it, so that nothing comes in between.
 */
export abstract class Waiter<T> extends ScopeNode implements Operation<T>, Step {
  /** Kept by the queue that it stands in: who came just before, and just after. */
  before: Waiter<unknown> | null = null;
  after: Waiter<unknown> | null = null;
  readonly #loop: EventLoop;
  #state: typeof WAITING | typeof WOKEN | typeof CANCELLED | typeof FULFILLED | typeof REJECTED =
    WAITING;
  #request: CancelRequest | null = null;
  // Those who await it, newest first; almost always one.
  #reactions: Reaction | null = null;
  #outcome: unknown = undefined; // what failed is a promise

  /** @throws RuntimeError when no loop runs, or another one than that of the primitive. */
  constructor(binding: LoopBinding) {
    super();
    this.#loop = binding.loop;
    if (this.#loop.debug) recordCreation(this);
  }

  /** Leaves the queue and does what was waited for, for `task`: it has been woken. What it throws is thrown to those who await. */
  protected abstract finish(task: object | null): T | typeof AGAIN;

  /** Has been cancelled just now, while it waited; its step is still to come. */
  protected abstract interrupted(): void;

  /** Undoes what waking it has done, in its step: it has been cancelled, before or after it was woken. */
  protected abstract abandon(wasWoken: boolean): void;

  /** Whether nobody has woken it, nor cancelled it. */
  get isWaiting(): boolean {
    return this.#state === WAITING;
  }

  /** The task that waits, or null. */
  get task(): object | null {
    return this.parent?.task ?? null;
  }

  /** Begins to wait in the current scope: to be called when it stands in its queue. Returns it. */
  begin(): this {
    this.#enterScope(Scope.current ?? null);
    return this;
  }

  /** Wakes it, which must be waiting: it finishes in a step of its own. */
  wake(): void {
    this.#state = WOKEN;
    this.#loop.enqueue(this);
  }

  /** Has `callback` called when it is over. */
  whenSettled(callback: () => void): void {
    endsEver = true;
    endings.set(this, callback);
  }

  /** Stops waiting; what was woken already throws in its step. */
  cancel(message?: string): boolean {
    return this.request(new CancelRequest(message, "caller"));
  }

  /** {@link Waiter.cancel}, by a request that was made elsewhere. */
  request(request: CancelRequest): boolean {
    if (this.#state === FULFILLED || this.#state === REJECTED) return false;
    if (!this.deliver(request)) this.#request ??= request;
    return true;
  }

  override deliver(request: CancelRequest): boolean {
    if (this.#state !== WAITING) return false;
    this.#state = CANCELLED;
    this.#request = request;
    this.interrupted();
    this.#loop.enqueue(this);
    return true;
  }

  run(): boolean {
    const scope = this.parent;
    this.leave();
    const owed = scope === null ? null : scope.takeOwed();
    // As in CPython: a cancellation that is there already wins over a request that is still owed.
    const request = this.#request ?? owed;
    if (request !== null) {
      this.abandon(this.#state === WOKEN);
      return this.#settle(REJECTED, request.error);
    }
    let result: T | typeof AGAIN;
    try {
      result = this.finish(scope === null ? null : scope.task);
    } catch (error) {
      return this.#settle(REJECTED, error);
    }
    if (result !== AGAIN) return this.#settle(FULFILLED, result);
    this.#state = WAITING;
    this.#enterScope(scope);
    return false;
  }

  /**
   * What `await` calls, with two functions: it is interrupted by the scope that awaits it from now on.
   * Two functions are taken for those of an `await`, which keep their async context themselves.
   */
  then<R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    if (this.#state === FULFILLED || this.#state === REJECTED)
      return Promise.resolve(this.#outcome as T).then(onFulfilled, onRejected);
    if (typeof onFulfilled !== "function" || typeof onRejected !== "function")
      return toPromise<T>(this).then(onFulfilled, onRejected);
    const scope = Scope.current ?? null;
    if (scope !== this.parent) {
      this.leave();
      this.#enterScope(scope);
    } else if (scope !== null) this.#takeOwed(scope);
    const reaction = new Reaction(onFulfilled, onRejected, this.#reactions);
    this.#reactions = reaction;
    return reaction as PromiseLike<R1 | R2>;
  }

  /** Nothing, when it has been woken. */
  override describe(): string {
    return this.#state === WAITING ? this.label : "";
  }

  /** What it waits for, in words. */
  protected abstract get label(): string;

  [inspect.custom](): string {
    return `<wait for ${this.label} by ${nameOfTask(this.task)}>`;
  }

  #enterScope(scope: Scope | null): void {
    if (scope === null || scope.closed) return;
    this.enter(scope);
    this.#takeOwed(scope);
  }

  #takeOwed(scope: Scope): void {
    const { owed } = scope;
    if (owed !== null && this.deliver(owed)) scope.takeOwed();
  }

  /** Tells those who await it. Returns whether microtasks may wait now. */
  #settle(state: typeof FULFILLED | typeof REJECTED, outcome: unknown): boolean {
    if (endsEver) endings.get(this)?.();
    const reaction = this.#reactions;
    this.#reactions = null;
    this.#state = state;
    this.#outcome = outcome;
    if (state === REJECTED) {
      const rejected = (this.#outcome = Promise.reject(outcome));
      // Seen by those who await it; cancelled, and perhaps never awaited, it is no unhandled rejection either.
      if (reaction !== null || isCancelled(outcome)) rejected.catch(() => undefined);
    }
    if (reaction !== null) reaction.settle(state === REJECTED, outcome);
    return reaction !== null || state === REJECTED;
  }
}
