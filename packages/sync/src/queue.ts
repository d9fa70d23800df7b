import { inspect } from "node:util";
import { AGAIN, completed, type Operation } from "@aio/loop";
import { Deque } from "./deque.ts";
import { QueueEmpty, QueueFull, QueueShutDown } from "./errors.ts";
import { LoopBinding } from "./loop-binding.ts";
import { SimpleWaiter } from "./simple-waiter.ts";
import { following, refused, refusedBy, type WaitOptions } from "./wait-options.ts";
import { Waiter } from "./waiter.ts";
import { Waiters } from "./waiters.ts";

/** Where a queue keeps its items: what decides which of them comes next. */
export interface QueueStorage<T> {
  /** How many there are. */
  readonly length: number;
  /** Adds one. When it throws, nothing may have changed. */
  push(item: T): void;
  /** Takes out the one that comes next; there is one. */
  shift(): T;
  /** Drops all. */
  clear(): void;
  /** All of them, for reports. */
  toArray(): T[];
}

// What the waiters of a queue do with it.
let gettersOf: <T>(queue: Queue<T>) => Waiters<Getter<T>>;
let puttersOf: <T>(queue: Queue<T>) => Waiters<Putter<T>>;
let checkGettable: <T>(queue: Queue<T>) => void;
let failureOf: <T>(queue: Queue<T>) => Error | undefined;

/**
 * Hands items from tasks that put them to tasks that get them: first in, first out, to those who wait
 * longest. When it has a size, those who put wait while it is full.
 *
 * An item that is a promise, a Future or another thenable would be awaited on its way out, as JavaScript
 * does with everything that comes out of an `await`: put it into an object.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-queue.html#asyncio.Queue | asyncio.Queue}.
 *
 * @example
 * ```ts
 * const jobs = new Queue<Job>(100);
 *
 * async function worker(): Promise<void> {
 *   for await (const job of jobs) {
 *     await work(job);
 *     jobs.taskDone();
 *   }
 * }
 * ```
 */
export class Queue<T> implements AsyncIterable<T, undefined> {
  static {
    gettersOf = (queue) => queue.#getters;
    puttersOf = (queue) => queue.#putters;
    checkGettable = (queue) => {
      if (queue.#isShutDown) throw queue.#ending();
    };
    failureOf = (queue) => queue.#failure;
  }

  /** How many items it holds at most; zero or less for any number. */
  readonly maxsize: number;
  readonly #items: QueueStorage<T>;
  readonly #binding = new LoopBinding(this);
  readonly #getters = new Waiters<Getter<T>>();
  readonly #putters = new Waiters<Putter<T>>();
  readonly #joiners = new Waiters<SimpleWaiter<void>>();
  #unfinished = 0;
  #isShutDown = false;
  #failure: Error | undefined;

  /**
   * @param maxsize how many items it holds at most; zero or less, as by default, for any number.
   * @param storage where it keeps them: by default a deque, first in, first out.
   * @throws TypeError when `maxsize` is not a number, RangeError when it is NaN.
   */
  constructor(maxsize = 0, storage: QueueStorage<T> = new Deque<T>()) {
    if (typeof maxsize !== "number")
      throw new TypeError(
        `Expected \`maxsize\` to be a number, got ${inspect(maxsize, { depth: 0 })}`,
      );
    if (Number.isNaN(maxsize)) throw new RangeError("Expected `maxsize` to be a number, got NaN");
    this.maxsize = maxsize;
    this.#items = storage;
  }

  /** How many items are in it. */
  get qsize(): number {
    return this.#items.length;
  }

  /** Whether no item is in it. */
  get empty(): boolean {
    return this.#items.length === 0;
  }

  /** Whether it holds as many items as it may. */
  get full(): boolean {
    return this.maxsize > 0 && this.#items.length >= this.maxsize;
  }

  /** Whether {@link Queue.shutdown} or {@link Queue.fail} was called. */
  get isShutDown(): boolean {
    return this.#isShutDown;
  }

  /**
   * Adds an item; waits while the queue is full, else goes straight through without a turn of the loop.
   *
   * Cancellation: the item is not added, and a place that became free for it goes to the next.
   * @param options.signal cancels the wait when it is aborted.
   * @throws QueueShutDown when the queue is shut down, before or while it waits; CancelledError when the
   * wait is cancelled; RuntimeError when it must wait and no loop runs, or another loop than the first.
   */
  put(item: T, options?: WaitOptions): Operation<void> {
    const refusal = options === undefined ? undefined : refusedBy(options);
    if (refusal !== undefined) return refusal;
    try {
      if (!this.full || this.#isShutDown) {
        this.putNowait(item);
        return PUT;
      }
      const waiter = new Putter<T>(this, this.#binding, item);
      this.#putters.push(waiter);
      return following(waiter.begin(), options);
    } catch (error) {
      return refused(error);
    }
  }

  /**
   * Adds an item, or throws.
   * @throws QueueShutDown when the queue is shut down; QueueFull when it is full.
   */
  putNowait(item: T): void {
    if (this.#isShutDown)
      throw new QueueShutDown("The queue is shut down, and takes no more items", this.#cause);
    if (this.full)
      throw new QueueFull(
        `The queue is full: it holds ${this.maxsize} items; put() waits for a place`,
      );
    this.#items.push(item);
    this.#unfinished += 1;
    this.#getters.wakeFirst();
  }

  /**
   * Takes the next item out; waits while there is none, else goes straight through without a turn of the loop.
   *
   * Cancellation: no item is taken, and one that came for it goes to the next.
   * @param options.signal cancels the wait when it is aborted.
   * @throws QueueShutDown when the queue is shut down and no item is left, or what {@link Queue.fail} was
   * given; CancelledError when the wait is cancelled; RuntimeError when it must wait and no loop runs, or
   * another loop than the first.
   */
  get(options?: WaitOptions): Operation<T> {
    const refusal = options === undefined ? undefined : refusedBy(options);
    if (refusal !== undefined) return refusal;
    try {
      if (this.#items.length > 0 || this.#isShutDown) return completed(this.getNowait());
      const waiter = new Getter<T>(this, this.#binding);
      this.#getters.push(waiter);
      return following(waiter.begin(), options);
    } catch (error) {
      return refused(error);
    }
  }

  /**
   * Takes the next item out, or throws.
   * @throws QueueEmpty when there is none; QueueShutDown, or what {@link Queue.fail} was given, when there
   * never will be one.
   */
  getNowait(): T {
    if (this.#items.length === 0) {
      if (this.#isShutDown) throw this.#ending();
      throw new QueueEmpty("The queue is empty; get() waits for an item");
    }
    const item = this.#items.shift();
    this.#putters.wakeFirst();
    return item;
  }

  /**
   * Says that the work on an item that was got is done. When that has been said of all items ever put,
   * {@link Queue.join} ends.
   * @throws RangeError when it is called more often than items were put.
   */
  taskDone(): void {
    if (this.#unfinished === 0)
      throw new RangeError(
        "taskDone() is called more often than items were put; call it once for each item got",
      );
    this.#unfinished -= 1;
    if (this.#unfinished === 0) this.#joiners.wakeAll();
  }

  /**
   * Waits until {@link Queue.taskDone} was called for each item ever put; goes straight through when it was.
   *
   * Cancellation: nothing is changed.
   * @param options.signal cancels the wait when it is aborted.
   * @throws CancelledError when the wait is cancelled; RuntimeError when it must wait and no loop runs, or
   * another loop than the first.
   */
  join(options?: WaitOptions): Operation<void> {
    const refusal = options === undefined ? undefined : refusedBy(options);
    if (refusal !== undefined) return refusal;
    if (this.#unfinished === 0) return PUT;
    try {
      const waiter = new SimpleWaiter<void>(
        this.#binding,
        this.#joiners,
        this,
        "join()",
        undefined,
      );
      return following(waiter.begin(), options);
    } catch (error) {
      return refused(error);
    }
  }

  /**
   * Ends the queue: it takes no more items, and who waits to put one gets {@link QueueShutDown}. The items
   * that are left can still be got; then every get throws, and `for await` ends. May be called again.
   * @param options.immediate whether the items that are left are dropped, and count as done.
   */
  shutdown({ immediate = false }: { readonly immediate?: boolean | undefined } = {}): void {
    if (immediate) this.#drop(); // first: a storage that throws leaves the queue as it was
    this.#isShutDown = true;
    this.#getters.wakeAll();
    this.#putters.wakeAll();
  }

  /**
   * Ends the queue as {@link Queue.shutdown} does, because no more items can come: when none is left, every
   * get and `for await` throws `error`. Only the first error counts.
   * @throws TypeError when `error` is no Error.
   *
   * @example
   * ```ts
   * try {
   *   for await (const row of cursor) await rows.put(row);
   *   rows.shutdown();
   * } catch (error) {
   *   rows.fail(error as Error);
   * }
   * ```
   */
  fail(error: Error): void {
    if (!(error instanceof Error))
      throw new TypeError(`Expected \`error\` to be an Error, got ${inspect(error, { depth: 0 })}`);
    this.#failure ??= error;
    this.shutdown();
  }

  /**
   * Gets item after item, until the queue is shut down and none is left. Several loops share the items.
   * Leaving a loop early leaves the queue as it is.
   */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new Items(this);
  }

  [inspect.custom](): string {
    const parts = [`<${this.constructor.name} maxsize=${this.maxsize}`];
    if (!this.empty)
      parts.push(
        `items=${inspect(this.#items.toArray(), { depth: 0, maxArrayLength: 5, breakLength: Infinity })}`,
      );
    for (const [role, waiters] of Object.entries({
      getters: this.#getters,
      putters: this.#putters,
      joiners: this.#joiners,
    }))
      if (waiters.size > 0) parts.push(waiters.describe(role).trim());
    if (this.#unfinished > 0) parts.push(`unfinished=${this.#unfinished}`);
    if (this.#isShutDown) parts.push("shutdown");
    return `${parts.join(" ")}>`;
  }

  get #cause(): ErrorOptions | undefined {
    return this.#failure === undefined ? undefined : { cause: this.#failure };
  }

  #ending(): Error {
    return this.#failure ?? new QueueShutDown("The queue is shut down, and no item is left");
  }

  #drop(): void {
    const dropped = this.#items.length;
    this.#items.clear();
    // Fewer may be unfinished: taskDone() does not ask which items were got.
    this.#unfinished = Math.max(0, this.#unfinished - dropped);
    if (this.#unfinished === 0) this.#joiners.wakeAll();
  }
}

// A put that is over before it begins: all share one.
const PUT: Operation<void> = completed<void>(undefined);

class Getter<T> extends Waiter<T> {
  declare private readonly _queue: Queue<T>;

  constructor(queue: Queue<T>, binding: LoopBinding) {
    super(binding);
    this._queue = queue;
  }

  protected override get label(): string {
    return `get() of ${inspect(this._queue)}`;
  }

  override get resource(): Queue<T> {
    return this._queue;
  }

  protected override finish(): T | typeof AGAIN {
    const queue = this._queue;
    if (!queue.empty) return queue.getNowait();
    // Somebody else was faster; it stands behind those who came in between, as in CPython.
    checkGettable(queue);
    gettersOf(queue).push(this);
    return AGAIN;
  }

  protected override interrupted(): void {
    gettersOf(this._queue).remove(this);
  }

  protected override abandon(wasWoken: boolean): void {
    if (wasWoken && !this._queue.empty) gettersOf(this._queue).wakeFirst();
  }
}

class Putter<T> extends Waiter<void> {
  declare private readonly _queue: Queue<T>;
  declare private readonly _item: T;

  constructor(queue: Queue<T>, binding: LoopBinding, item: T) {
    super(binding);
    this._queue = queue;
    this._item = item;
  }

  protected override get label(): string {
    return `put() of ${inspect(this._queue)}`;
  }

  override get resource(): Queue<T> {
    return this._queue;
  }

  protected override finish(): void | typeof AGAIN {
    const queue = this._queue;
    if (!queue.full || queue.isShutDown) return queue.putNowait(this._item);
    puttersOf(queue).push(this);
    return AGAIN;
  }

  protected override interrupted(): void {
    puttersOf(this._queue).remove(this);
  }

  protected override abandon(wasWoken: boolean): void {
    if (wasWoken && !this._queue.full) puttersOf(this._queue).wakeFirst();
  }
}

/** What `for await` goes through. By hand: an async generator would await the items. */
class Items<T> implements AsyncIterator<T, undefined> {
  readonly #queue: Queue<T>;

  constructor(queue: Queue<T>) {
    this.#queue = queue;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const queue = this.#queue;
    try {
      return { done: false, value: queue.empty ? await queue.get() : queue.getNowait() };
    } catch (error) {
      // The error of a queue before this one is an error here: it was given to fail().
      if (error instanceof QueueShutDown && error !== failureOf(queue))
        return { done: true, value: undefined };
      throw error;
    }
  }
}
