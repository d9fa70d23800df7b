import { inspect } from "node:util";
import { type Operation, toPromise } from "./awaitable.ts";
import { CancelRequest } from "./cancel-request.ts";
import { noteStack, recordCreation, stackOfProgram } from "./debug.ts";
import { isCancelled } from "./errors.ts";
import type { EventLoop } from "./loop.ts";
import { type Reactions, Scope, ScopeNode } from "./scope.ts";
import type { Step } from "./step.ts";
import { nameOfTask } from "./task-name.ts";

const WAITING = 0;
const WOKEN = 1;
const CANCELLED = 2;
const FULFILLED = 3;
const REJECTED = 4;
type State = typeof WAITING | typeof WOKEN | typeof CANCELLED | typeof FULFILLED | typeof REJECTED;

// What few waits have: fields of every wait would cost more.
const endings = new WeakMap<Wait<unknown>, () => void>(); // what is to be done when it is over
const sequels = new WeakMap<Wait<unknown>, PromiseWithResolvers<unknown>>(); // what comes of the function of the first `then`
const promises = new WeakMap<Wait<unknown>, PromiseWithResolvers<unknown>>(); // what all others that await it wait for
let isAnyNoted = false;

/** What {@link Wait.finish} gives when there was nothing for it after all, and it waits on. */
export const AGAIN: unique symbol = Symbol("again");

/**
 * One wait, as an operation written by hand: the node in the scope that waits, the step that wakes it,
 * and what is awaited, in one object. It finishes its work in the step that wakes it, so that nothing
 * comes in between. For those who write primitives: what `operation()` does, at a fraction of the cost.
 *
 * @example
 * ```ts
 * class DoorWait extends Wait<void> {
 *   readonly #door: Set<DoorWait>;
 *
 *   constructor(door: Set<DoorWait>) {
 *     super(getRunningLoop());
 *     this.#door = door.add(this); // who opens the door calls wake() of all in it
 *   }
 *
 *   protected override get label(): string {
 *     return "the door";
 *   }
 *
 *   protected override finish(): void {
 *     this.#door.delete(this);
 *   }
 *
 *   protected override interrupted(): void {
 *     this.#door.delete(this);
 *   }
 *
 *   protected override abandon(): void {}
 * }
 *
 * const pass = (door: Set<DoorWait>): Operation<void> => new DoorWait(door).begin();
 * ```
 */
export abstract class Wait<T> extends ScopeNode implements Operation<T>, Step {
  /** The loop that runs its step. */
  declare protected readonly loop: EventLoop;
  declare private _state: State;
  declare private _outcome: unknown; // the request that cancels it; when it is over, the result, or a rejected promise
  // Those of the first `then`, which almost always is the only one.
  declare private _onFulfilled: ((value: never) => unknown) | null;
  declare private _onRejected: ((reason: unknown) => unknown) | null;

  constructor(loop: EventLoop) {
    super();
    this.loop = loop;
    this._state = WAITING;
    this._outcome = null;
    this._onFulfilled = null;
    this._onRejected = null;
    if (loop.debug) recordCreation(this);
  }

  /** Leaves the queue and does what was waited for, for `task`: it has been woken. What it throws is thrown to those who await. */
  protected abstract finish(task: object | null): T | typeof AGAIN;

  /** Has been cancelled just now, while it waited; its step is still to come. */
  protected abstract interrupted(): void;

  /** Undoes what waking it has done, in its step: it has been cancelled, before or after it was woken. */
  protected abstract abandon(wasWoken: boolean): void;

  /** What it waits for, in words. */
  protected abstract get label(): string;

  /** Whether nobody has woken it, nor cancelled it. */
  get isWaiting(): boolean {
    return this._state === WAITING;
  }

  /** The task that waits, or null. */
  get task(): object | null {
    return this.parent?.task ?? null;
  }

  /** Begins to wait in the current scope: to be called when it stands in its queue. Returns it. */
  begin(): this {
    this._enterScope(Scope.current);
    return this;
  }

  /** Wakes it, which must be waiting: it finishes in a step of its own. */
  wake(): void {
    this._state = WOKEN;
    this.loop.enqueue(this);
  }

  /** Has `callback` called when it is over. */
  whenOver(callback: () => void): void {
    isAnyNoted = true;
    endings.set(this, callback);
  }

  /** Stops waiting; what was woken already throws in its step. */
  cancel(message?: string): boolean {
    return this.request(new CancelRequest(message, "caller"));
  }

  /** {@link Wait.cancel}, by a request that was made elsewhere. */
  request(request: CancelRequest): boolean {
    if (this._isOver) return false;
    if (!this.deliver(request)) this._outcome ??= request;
    return true;
  }

  override deliver(request: CancelRequest): boolean {
    if (this._state !== WAITING) return false;
    this._state = CANCELLED;
    this._outcome = request;
    this.interrupted();
    this.loop.enqueue(this);
    return true;
  }

  override get isWoken(): boolean {
    return this._state === WOKEN;
  }

  override overtake(request: CancelRequest): void {
    this._outcome ??= request;
  }

  run(): boolean {
    const scope = this.parent;
    this.leave();
    const owed = scope === null ? null : scope.takeOwed();
    // As in CPython: a cancellation that is there already wins over a request that is still owed.
    const request = (this._outcome as CancelRequest | null) ?? owed;
    if (request !== null) {
      this.abandon(this._state === WOKEN);
      return this._reject(request.error);
    }
    let result: T | typeof AGAIN;
    try {
      result = this.finish(scope === null ? null : scope.task);
    } catch (error) {
      return this._reject(error);
    }
    if (result !== AGAIN) return this._fulfil(result);
    this._state = WAITING;
    this._enterScope(scope);
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
    if (this._isOver) return Promise.resolve(this._outcome as T).then(onFulfilled, onRejected);
    if (typeof onFulfilled !== "function" || typeof onRejected !== "function")
      return toPromise<T>(this).then(onFulfilled, onRejected);
    if (this.loop.debug) this.noteWhoAwaits();
    this._moveTo(Scope.current);
    if (this._onFulfilled !== null)
      return noted<T>(promises, this).promise.then(onFulfilled, onRejected);
    this._onFulfilled = onFulfilled;
    this._onRejected = onRejected;
    return new Sequel<R1 | R2>(this);
  }

  /** What comes of the function that the first `then` was given. */
  get sequel(): Promise<unknown> {
    const isOver = this._isOver && !sequels.has(this); // it gave nothing
    return isOver ? Promise.resolve() : noted(sequels, this).promise;
  }

  /** Those of the first `then`, if there was one. */
  override exchange(exchange: (reactions: Reactions) => Reactions): void {
    if (this._onFulfilled === null || this._onRejected === null) return;
    const reactions = exchange({ onFulfilled: this._onFulfilled, onRejected: this._onRejected });
    this._onFulfilled = reactions.onFulfilled;
    this._onRejected = reactions.onRejected;
  }

  /** From inside `then`, some hosts show the whole chain of functions that await; others show nothing. */
  protected noteWhoAwaits(): void {
    const stack = stackOfProgram();
    if (stack !== "") noteStack(this, stack);
  }

  /** Nothing, when it has been woken. */
  override describe(): string {
    return this._state === WAITING ? this.label : "";
  }

  [inspect.custom](): string {
    return `<await of ${this.label}${this.task === null ? "" : ` in ${nameOfTask(this.task)}`}>`;
  }

  private get _isOver(): boolean {
    return this._state >= FULFILLED;
  }

  private _moveTo(scope: Scope | undefined): void {
    const { parent } = this;
    if (scope === undefined || scope !== parent) {
      this.leave();
      this._enterScope(scope);
    } else {
      this._takeOwed(scope);
    }
  }

  private _enterScope(scope: Scope | null | undefined): void {
    if (scope === null || scope === undefined || scope.closed) return;
    this.enter(scope);
    this._takeOwed(scope);
  }

  private _takeOwed(scope: Scope): void {
    const { owed } = scope;
    if (owed !== null && this.deliver(owed)) scope.takeOwed();
  }

  /** Tells those who await it. Returns whether microtasks may wait now. */
  private _fulfil(value: T): boolean {
    this._state = FULFILLED;
    this._outcome = value;
    const react = this._onFulfilled;
    if (react === null && !isAnyNoted) return false;
    this._settle(react, value);
    if (isAnyNoted) promises.get(this)?.resolve(value);
    return true;
  }

  private _reject(reason: unknown): true {
    this._state = REJECTED;
    const react = this._onRejected;
    // Somebody awaits it; or it was cancelled, and perhaps nobody ever will: that is no unhandled rejection.
    const rejected = Promise.reject(reason);
    if (react !== null || isCancelled(reason)) rejected.catch(ignore);
    this._outcome = rejected;
    this._settle(react, reason);
    if (isAnyNoted) promises.get(this)?.reject(reason);
    return true;
  }

  private _settle(react: ((outcome: never) => unknown) | null, outcome: unknown): void {
    this._onFulfilled = this._onRejected = null;
    if (isAnyNoted) endings.get(this)?.();
    if (react === null) return;
    try {
      const result = react(outcome as never);
      if (result !== undefined || (isAnyNoted && sequels.has(this)))
        noted(sequels, this).resolve(result);
    } catch (error) {
      noted(sequels, this).reject(error); // unhandled, unless somebody chained: as with any promise
    }
  }
}

function ignore(): void {}

/** What `then` of a wait returns: a promise is made only for those who use it; `await` does not. */
class Sequel<R> implements PromiseLike<R> {
  readonly #wait: Wait<unknown>;

  constructor(wait: Wait<unknown>) {
    this.#wait = wait;
  }

  then<R1 = R, R2 = never>(
    onFulfilled?: ((value: R) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((reason: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    return (this.#wait.sequel as Promise<R>).then(onFulfilled, onRejected);
  }
}

/** The promise of `wait` in one of the tables above. */
function noted<T>(
  table: WeakMap<Wait<unknown>, PromiseWithResolvers<unknown>>,
  wait: Wait<unknown>,
): PromiseWithResolvers<T> {
  isAnyNoted = true;
  const known = table.get(wait) ?? Promise.withResolvers<unknown>();
  table.set(wait, known);
  return known as PromiseWithResolvers<T>;
}
