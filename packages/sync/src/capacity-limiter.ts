import { inspect } from "node:util";
import {
  type Dependencies,
  completed,
  type Coroutine,
  type Operation,
  RuntimeError,
} from "@aio/loop";
import { checkCount } from "./arguments.ts";
import { Held, whileHeld } from "./held.ts";
import { LoopBinding } from "./loop-binding.ts";
import { SimpleWaiter } from "./simple-waiter.ts";
import { currentTask } from "./task-bag.ts";
import { nameOf, namesOf } from "./task-names.ts";
import { following, refused, refusedBy, type WaitOptions } from "./wait-options.ts";
import { Waiters } from "./waiters.ts";

// What the waiters of a limiter do with it.
let borrowersOf: (limiter: CapacityLimiter) => readonly object[];
let stopAsking: (limiter: CapacityLimiter, borrower: object) => void;

/**
 * Lets so many go on at a time, in the order in which they asked, and knows who they are: tokens are
 * borrowed, one by each task at most, and given back by who borrowed them. How many there are can be changed.
 *
 * Counterpart of `CapacityLimiter` of {@link https://anyio.readthedocs.io/en/stable/synchronization.html#capacity-limiters | AnyIO}
 * and Trio; asyncio has none.
 *
 * @example
 * ```ts
 * const connections = new CapacityLimiter(4);
 *
 * async function fetchPolitely(url: string): Promise<string> {
 *   using _held = await connections.acquire();
 *   return await fetchPage(url);
 * }
 *
 * connections.totalTokens = 8; // four more may go on at once
 * ```
 */
export class CapacityLimiter {
  static {
    borrowersOf = (limiter) => [...limiter.#borrowers];
    stopAsking = (limiter, borrower) => void limiter.#asking.delete(borrower);
  }

  readonly #binding = new LoopBinding(this);
  readonly #waiters = new Waiters<Loan>();
  readonly #borrowers = new Set<object>(); // those included to whom a token is on its way
  readonly #asking = new Set<object>();
  #totalTokens: number;

  /**
   * @param totalTokens how many tokens there are: a whole number from 0 on, or `Infinity`.
   * @throws TypeError or RangeError when `totalTokens` is none.
   */
  constructor(totalTokens: number) {
    checkCount("totalTokens", totalTokens, 0);
    this.#totalTokens = totalTokens;
  }

  /**
   * How many tokens there are: a whole number from 0 on, or `Infinity`. More wake those who wait. With
   * fewer, who has borrowed one keeps it, and nobody else gets one until enough are given back.
   */
  get totalTokens(): number {
    return this.#totalTokens;
  }

  set totalTokens(totalTokens: number) {
    checkCount("totalTokens", totalTokens, 0);
    this.#totalTokens = totalTokens;
    this.#lend();
  }

  /** How many tokens are borrowed, or on their way to who waits. */
  get borrowedTokens(): number {
    return this.#borrowers.size;
  }

  /** How many tokens are left. Below zero when {@link CapacityLimiter.totalTokens | totalTokens} was made less than are borrowed. */
  get availableTokens(): number {
    return this.#totalTokens - this.#borrowers.size;
  }

  /**
   * Borrows a token for the current task; goes straight through, without a turn of the loop, when one is
   * available. Gives something disposable that gives it back.
   *
   * Cancellation: the place in the queue is given up, and a token that was on its way goes to the next.
   * @param options.signal cancels the wait when it is aborted.
   * @throws RuntimeError when the task has a token or waits for one, when no task runs, or when it must
   * wait in another loop than the first; CancelledError when the wait is cancelled.
   */
  acquire(options?: WaitOptions): Operation<Held> {
    try {
      return this.acquireOnBehalfOf(runningTask(), options);
    } catch (error) {
      return refused(error);
    }
  }

  /**
   * {@link CapacityLimiter.acquire} for somebody else than the current task.
   * @param borrower any object: a task, a connection, a job.
   * @throws TypeError when `borrower` is no object.
   */
  acquireOnBehalfOf(borrower: object, options?: WaitOptions): Operation<Held> {
    const refusal = refusedBy(options);
    if (refusal !== undefined) return refusal;
    try {
      this.#checkBorrower(borrower);
      const held = new Held({ release: () => this.releaseOnBehalfOf(borrower) });
      if (this.availableTokens > 0) {
        this.#borrowers.add(borrower);
        return completed(held);
      }
      const loan = new Loan(this.#binding, this.#waiters, this, borrower, held);
      this.#asking.add(borrower);
      return following(loan.begin(), options);
    } catch (error) {
      return refused(error);
    }
  }

  /**
   * Gives back the token of the current task: to the one that waits longest.
   * @throws RuntimeError when the task has none, or no task runs.
   */
  release(): void {
    this.releaseOnBehalfOf(runningTask());
  }

  /**
   * Gives back the token of `borrower`.
   * @throws RuntimeError when it has none.
   */
  releaseOnBehalfOf(borrower: object): void {
    if (!this.#borrowers.delete(borrower))
      throw new RuntimeError(
        `${nameOf(borrower)} holds no token of this CapacityLimiter; call acquire() before release(), and release() once`,
      );
    this.#lend();
  }

  /**
   * Runs `body` with a token of the current task.
   *
   * Cancellation: reaches the wait for the token, and the body; the token is given back.
   * @param options.signal cancels the wait for the token when it is aborted; not the body.
   * @returns what the body gives.
   */
  with<T>(body: Coroutine<T>, options?: WaitOptions): Operation<T> {
    return whileHeld(this, body, options);
  }

  [inspect.custom](): string {
    const { size } = this.#borrowers;
    const names = size > 0 ? ` (${namesOf(this.#borrowers, size)})` : "";
    return `<CapacityLimiter borrowed=${size}/${this.#totalTokens}${names}${this.#waiters.describe()}>`;
  }

  #checkBorrower(borrower: unknown): void {
    if (typeof borrower !== "object" || borrower === null)
      throw new TypeError(`Expected \`borrower\` to be an object, got ${inspect(borrower)}`);
    const verb = this.#borrowers.has(borrower) ? "holds" : "waits for";
    if (verb === "holds" || this.#asking.has(borrower))
      throw new RuntimeError(
        `${nameOf(borrower)} ${verb} a token of this CapacityLimiter already; one borrower has one at most: see acquireOnBehalfOf()`,
      );
  }

  /** Gives what is available to those who wait longest. */
  #lend(): void {
    for (
      let { first } = this.#waiters;
      first !== null && this.availableTokens > 0;
      { first } = this.#waiters
    ) {
      this.#asking.delete(first.borrower);
      this.#borrowers.add(first.borrower);
      this.#waiters.wakeFirst();
    }
  }
}

class Loan extends SimpleWaiter<Held> {
  readonly borrower: object;
  readonly #limiter: CapacityLimiter;

  constructor(
    binding: LoopBinding,
    queue: Waiters<Loan>,
    limiter: CapacityLimiter,
    borrower: object,
    held: Held,
  ) {
    super(binding, queue, limiter, "acquire()", held);
    this.#limiter = limiter;
    this.borrower = borrower;
  }

  /** Any of those that have a token. */
  override get dependencies(): Dependencies {
    return { on: borrowersOf(this.#limiter), mode: "any", relation: "held by" };
  }

  protected override interrupted(): void {
    super.interrupted();
    stopAsking(this.#limiter, this.borrower);
  }

  protected override abandon(wasWoken: boolean): void {
    if (wasWoken) this.#limiter.releaseOnBehalfOf(this.borrower);
  }
}

function runningTask(): object {
  const task = currentTask();
  if (task !== null) return task;
  throw new RuntimeError(
    "No task is running that could borrow a token; use acquireOnBehalfOf() and releaseOnBehalfOf()",
  );
}
