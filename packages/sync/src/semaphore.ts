import { inspect } from "node:util";
import {
  completed,
  type Coroutine,
  type Dependencies,
  isDebugDefault,
  type Operation,
  runningLoop,
} from "@aio/loop";
import { checkCount } from "./arguments.ts";
import { Held, whileHeld } from "./held.ts";
import { LoopBinding } from "./loop-binding.ts";
import { currentTask, TaskBag } from "./task-bag.ts";
import { following, refused, refusedBy, type WaitOptions } from "./wait-options.ts";
import { Waiter } from "./waiter.ts";
import { Waiters } from "./waiters.ts";

// What the waiters of a semaphore do with it.
let holdersOf: (semaphore: Semaphore) => readonly object[];
let take: (semaphore: Semaphore, task: object | null) => Held;
let interrupt: (semaphore: Semaphore, waiter: SemaphoreWaiter) => void;
let leave: (semaphore: Semaphore, wasWoken: boolean) => void;

/**
 * Lets so many go on at a time, in the order in which they asked. It counts permits, and keeps no
 * account of who has them: a release need not come from who has acquired. Only one that is made in
 * debug mode does, as well as it can, for `util.inspect`.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-sync.html#asyncio.Semaphore | asyncio.Semaphore}.
 *
 * @example
 * ```ts
 * const connections = new Semaphore(10);
 *
 * async function query(text: string): Promise<Row[]> {
 *   using _held = await connections.acquire();
 *   return await send(text);
 * }
 * ```
 */
export class Semaphore {
  static {
    holdersOf = (semaphore) => semaphore.#holders?.tasks() ?? [];
    take = (semaphore, task) => semaphore.#take(task);
    interrupt = (semaphore, waiter) => semaphore.#pending.remove(waiter);
    leave = (semaphore, wasWoken) => semaphore.#leave(wasWoken);
  }

  readonly #binding = new LoopBinding(this);
  readonly #pending = new Waiters<SemaphoreWaiter>();
  readonly #held = new Held(this);
  readonly #free: Operation<Held> = completed(this.#held);
  #value: number;
  #woken = 0; // how many were given a permit, and have not had their turn yet
  // Only for reports: in a program that is not debugged, nothing is paid for them.
  readonly #holders = (runningLoop()?.debug ?? isDebugDefault()) ? new TaskBag() : null;

  /**
   * @param value how many permits there are: a whole number from 0 on; 1 by default.
   * @throws TypeError or RangeError when `value` is none.
   */
  constructor(value = 1) {
    checkCount("value", value, 0);
    this.#value = value;
  }

  /** How many permits are free; those on their way to a waiter are not. */
  get value(): number {
    return this.#value;
  }

  /** Whether {@link Semaphore.acquire} would have to wait. */
  get locked(): boolean {
    return this.#value === 0 || this.#woken > 0 || this.#pending.size > 0;
  }

  /**
   * Takes a permit; goes straight through, without a turn of the loop, when one is free and nobody
   * waits. Gives something disposable that releases it.
   *
   * Cancellation: the place in the queue is given up, and a permit that was on its way goes to the next.
   * @param options.signal cancels the wait when it is aborted.
   * @throws CancelledError when the wait is cancelled; RuntimeError when it must wait and no loop runs,
   * or another loop than the first that somebody waited in.
   */
  acquire(options?: WaitOptions): Operation<Held> {
    const refusal = options === undefined ? undefined : refusedBy(options);
    if (refusal !== undefined) return refusal;
    if (!this.locked) {
      this.#value -= 1;
      this.#holders?.add(currentTask());
      return this.#free;
    }
    try {
      const waiter = new SemaphoreWaiter(this, this.#binding);
      this.#pending.push(waiter);
      return following(waiter.begin(), options);
    } catch (error) {
      return refused(error);
    }
  }

  /** Adds a permit, and gives it to the task that waits longest. There may be more than in the beginning. */
  release(): void {
    this.#value += 1;
    this.#holders?.remove(currentTask());
    this.#wakeNext();
  }

  /**
   * Runs `body` while holding a permit.
   *
   * Cancellation: reaches the wait for the permit, and the body; the permit is released.
   * @param options.signal cancels the wait for the permit when it is aborted; not the body.
   * @returns what the body gives.
   *
   * @example
   * ```ts
   * const pages = await gather(urls.map((url) => () => semaphore.with(() => fetchPage(url))));
   * ```
   */
  with<T>(body: Coroutine<T>, options?: WaitOptions): Operation<T> {
    return whileHeld(this, body, options);
  }

  [inspect.custom](): string {
    const state = this.locked ? "locked" : `unlocked value=${this.#value}`;
    const holders = this.#holders?.size ? ` held by ${this.#holders.describe()}` : "";
    return `<${this.constructor.name} ${state}${holders}${this.#pending.describe()}>`;
  }

  /** Gives a permit, which must be there, to the first that waits. Returns whether there was one. */
  #wakeNext(): boolean {
    if (!this.#pending.wakeFirst()) return false;
    this.#value -= 1;
    this.#woken += 1;
    return true;
  }

  #take(task: object | null): Held {
    this.#woken -= 1;
    this.#holders?.add(task);
    this.#wakeAllowed();
    return this.#held;
  }

  #leave(wasWoken: boolean): void {
    if (wasWoken) {
      this.#woken -= 1;
      this.#value += 1;
    }
    this.#wakeAllowed();
  }

  // Others may have come while a permit was on its way, and had to stand behind.
  #wakeAllowed(): void {
    while (this.#value > 0 && this.#wakeNext());
  }
}

/**
 * A semaphore that has never more permits than in the beginning: one release too many is an error.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-sync.html#asyncio.BoundedSemaphore | asyncio.BoundedSemaphore}.
 *
 * @example
 * ```ts
 * const connections = new BoundedSemaphore(10);
 * const page = await connections.with(() => fetchPage(url)); // ten at a time
 * console.log(page);
 * ```
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number;

  /**
   * @param value how many permits there are, at most: a whole number from 0 on; 1 by default.
   * @throws TypeError or RangeError when `value` is none.
   */
  constructor(value = 1) {
    super(value);
    this.#bound = value;
  }

  /** @throws RangeError when no permit is missing. */
  override release(): void {
    if (this.value >= this.#bound)
      throw new RangeError(
        `BoundedSemaphore is released more often than acquired; it has all its permits: ${this.#bound}`,
      );
    super.release();
  }
}

class SemaphoreWaiter extends Waiter<Held> {
  declare private readonly _semaphore: Semaphore;

  constructor(semaphore: Semaphore, binding: LoopBinding) {
    super(binding);
    this._semaphore = semaphore;
  }

  protected override get label(): string {
    return `acquire() of ${inspect(this._semaphore)}`;
  }

  override get resource(): Semaphore {
    return this._semaphore;
  }

  /** Any of those that hold permits, which are known in debug mode. */
  override get dependencies(): Dependencies {
    return { on: holdersOf(this._semaphore), mode: "any", relation: "held by" };
  }

  protected override finish(task: object | null): Held {
    return take(this._semaphore, task);
  }

  protected override interrupted(): void {
    interrupt(this._semaphore, this);
  }

  protected override abandon(wasWoken: boolean): void {
    leave(this._semaphore, wasWoken);
  }
}
