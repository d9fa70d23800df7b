import { inspect } from "node:util";
import {
  completed,
  type Coroutine,
  nameOfTask,
  type Operation,
  RuntimeError,
  Scope,
} from "@aio/loop";
import { Held, whileHeld } from "./held.ts";
import { LoopBinding } from "./loop-binding.ts";
import { following, refused, refusedBy, type WaitOptions } from "./wait-options.ts";
import { Waiter } from "./waiter.ts";
import { Waiters } from "./waiters.ts";

// What the waiters of a lock do with it.
let take: (lock: Lock, waiter: LockWaiter, task: object | null) => Held;
let holderOf: (lock: Lock) => object | null;
let interrupt: (lock: Lock) => void;
let leave: (lock: Lock, waiter: LockWaiter, wasWoken: boolean) => void;

/**
 * Lets one task at a time go on, in the order in which they asked. It keeps no account of who may
 * release it; it is not reentrant: a task that acquires what it holds waits for itself.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-sync.html#asyncio.Lock | asyncio.Lock}.
 *
 * @example
 * ```ts
 * const lock = new Lock();
 *
 * async function transfer(): Promise<void> {
 *   using _held = await lock.acquire();
 *   await withdraw();
 *   await deposit();
 * } // released here
 * ```
 */
export class Lock {
  static {
    take = (lock, waiter, task) => lock.#take(waiter, task);
    holderOf = (lock) => lock.#holder;
    interrupt = (lock) => (lock.#live -= 1);
    leave = (lock, waiter, wasWoken) => lock.#leave(waiter, wasWoken);
  }

  readonly #binding = new LoopBinding(this);
  readonly #waiters = new Waiters<LockWaiter>();
  readonly #held = new Held(this);
  readonly #free: Operation<Held> = completed(this.#held);
  #locked = false;
  #holder: object | null = null;
  #live = 0; // of those who wait, those not cancelled

  /** Whether somebody holds it. False, too, while it is handed over: between `release()` and the turn of the next. */
  get locked(): boolean {
    return this.#locked;
  }

  /**
   * Takes the lock; goes straight through, without a turn of the loop, when it is free and nobody
   * waits. Gives something disposable that releases it.
   *
   * Cancellation: the place in the queue is given up, and the lock goes to the next.
   * @param options.signal cancels the wait when it is aborted.
   * @throws CancelledError when the wait is cancelled; RuntimeError when it must wait and no loop runs,
   * or another loop than the first that somebody waited in.
   */
  acquire(options?: WaitOptions): Operation<Held> {
    const refusal = options === undefined ? undefined : refusedBy(options);
    if (refusal !== undefined) return refusal;
    if (!this.#locked && this.#live === 0) {
      this.#locked = true;
      this.#holder = Scope.current?.task ?? null;
      return this.#free;
    }
    try {
      const waiter = new LockWaiter(this, this.#binding);
      this.#waiters.push(waiter);
      this.#live += 1;
      return following(waiter.begin(), options);
    } catch (error) {
      return refused(error);
    }
  }

  /**
   * Gives the lock to the task that waits longest, whose turn comes in the next iteration of the
   * loop; nobody can overtake it.
   * @throws RuntimeError when nobody holds it.
   */
  release(): void {
    if (!this.#locked)
      throw new RuntimeError(
        "Lock is not held; call acquire() before release(), and release() once",
      );
    this.#locked = false;
    this.#holder = null;
    this.#wakeFirst();
  }

  /**
   * Runs `body` while holding the lock.
   *
   * Cancellation: reaches the wait for the lock, and the body; the lock is released.
   * @param options.signal cancels the wait for the lock when it is aborted; not the body.
   * @returns what the body gives.
   *
   * @example
   * ```ts
   * const total = await lock.with(() => recount());
   * ```
   */
  with<T>(body: Coroutine<T>, options?: WaitOptions): Operation<T> {
    return whileHeld(this, body, options);
  }

  [inspect.custom](): string {
    const state = this.#locked ? `locked by ${nameOfTask(this.#holder)}` : "unlocked";
    return `<Lock ${state}${this.#waiters.describe()}>`;
  }

  // As in CPython: when the first has been woken, or cancelled and not left yet, it sees to the next itself.
  #wakeFirst(): void {
    const { first } = this.#waiters;
    if (first?.isWaiting) first.wake();
  }

  #take(waiter: LockWaiter, task: object | null): Held {
    this.#waiters.remove(waiter);
    this.#live -= 1;
    this.#locked = true;
    this.#holder = task;
    return this.#held;
  }

  #leave(waiter: LockWaiter, wasWoken: boolean): void {
    this.#waiters.remove(waiter);
    if (wasWoken) this.#live -= 1;
    if (!this.#locked) this.#wakeFirst();
  }
}

class LockWaiter extends Waiter<Held> {
  declare private readonly _lock: Lock;

  constructor(lock: Lock, binding: LoopBinding) {
    super(binding);
    this._lock = lock;
  }

  protected override get label(): string {
    return `acquire() of ${inspect(this._lock)}`;
  }

  override get resource(): Lock {
    return this._lock;
  }

  protected override get holders(): readonly object[] {
    const holder = holderOf(this._lock);
    return holder === null ? [] : [holder];
  }

  protected override finish(task: object | null): Held {
    return take(this._lock, this, task);
  }

  protected override interrupted(): void {
    interrupt(this._lock);
  }

  protected override abandon(wasWoken: boolean): void {
    leave(this._lock, this, wasWoken);
  }
}
