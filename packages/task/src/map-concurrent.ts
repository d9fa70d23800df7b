import { inspect } from "node:util";
import { checkFunction, checkOptions, isCancelled, type Operation, operation } from "@aio/loop";
import { checkLimit, Slots } from "./slots.ts";
import { type TaskGroup, taskGroup } from "./task-group.ts";

/** How {@link mapConcurrent} runs. */
export interface MapConcurrentOptions {
  /** How many calls run at a time: a whole number from 1 on, or `Infinity`. */
  readonly limit: number;
}

/**
 * Calls `work` with each of `items`, so many at a time, and gives the results in the order of the
 * items. The next item is taken when a call has ended; when one fails, no more are taken, the calls
 * that run are cancelled, and waited for.
 *
 * It makes one task for each of the `limit` calls that run at a time, not for each item: much cheaper
 * than a semaphore, and an endless or slow source of items is read no faster than they are worked on.
 *
 * Cancellation: the calls that run are cancelled, and waited for. So they are when one of them, or the
 * source of the items, ends with a cancellation by itself; then that is thrown.
 *
 * @param items what is iterated: also an async iterable, such as a queue or a stream.
 * @param work gets an item, and its place from 0 on.
 * @throws ExceptionGroup of what `work` and `items` threw; RangeError when `limit` is no whole number from 1
 * on, nor infinite; TypeError when `items` cannot be iterated or `work` is not a function.
 *
 * @example
 * ```ts
 * const pages = await mapConcurrent(urls, (url) => fetchPage(url), { limit: 10 });
 * ```
 */
export function mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T, index: number) => PromiseLike<R> | R,
  options: MapConcurrentOptions,
): Operation<R[]> {
  checkFunction("work", work);
  checkOptions(options, "{ limit: 10 }");
  const { limit } = options;
  checkLimit(limit);
  const mapping = new Mapping(items, work, limit);
  return operation(() => mapping.run());
}

/** The items that are left, and the results so far. */
class Mapping<T, R> {
  readonly #next: () => PromiseLike<IteratorResult<T>> | IteratorResult<T>;
  readonly #close: () => unknown;
  readonly #work: (item: T, index: number) => PromiseLike<R> | R;
  readonly #limit: number;
  readonly #results: R[] = [];
  #workers = 0;
  #taken = 0;
  #isEnded = false;
  #cancellation: { readonly error: unknown } | null = null;

  constructor(
    items: Iterable<T> | AsyncIterable<T>,
    work: (item: T, index: number) => PromiseLike<R> | R,
    limit: number,
  ) {
    const iterator = iteratorOf(items);
    this.#next =
      Symbol.asyncIterator in Object(items)
        ? oneByOne(() => iterator.next())
        : () => iterator.next();
    this.#close = () => iterator.return?.();
    this.#work = work;
    this.#limit = limit;
  }

  async run(): Promise<R[]> {
    try {
      await taskGroup((group) => this.#addWorker(group));
      if (this.#cancellation !== null) throw this.#cancellation.error;
    } catch (error) {
      if (!this.#isEnded) await this.#closeAnyway();
      throw error;
    }
    return this.#results;
  }

  async #closeAnyway(): Promise<void> {
    try {
      await this.#close();
    } catch {
      // As with `for`/`of`: what ended the loop is thrown, and not what its source throws then.
    }
  }

  #addWorker(group: TaskGroup): void {
    this.#workers += 1;
    void group.createTask(async () => {
      try {
        await this.#workOff(group);
      } catch (error) {
        // The group would take that for the end of a task like any other, and items would be left out.
        if (isCancelled(error)) this.#cancelled(group, error);
        throw error;
      }
    });
  }

  /** Ends all, unless that has begun already. */
  #cancelled(group: TaskGroup, error: unknown): void {
    this.#cancellation ??= { error };
    group.cancel();
  }

  /** Works item after item. Each worker that finds one calls another, as long as there may be more. */
  async #workOff(group: TaskGroup): Promise<void> {
    for (let isNew = true; ; isNew = false) {
      const item = await this.#take();
      if (item === null) return;
      if (isNew && this.#workers < this.#limit) this.#addWorker(group);
      const { index, value } = item;
      this.#results[index] = await this.#work(value, index);
    }
  }

  async #take(): Promise<{ readonly index: number; readonly value: T } | null> {
    if (this.#isEnded) return null;
    try {
      const step = await this.#next();
      if (step.done !== true) return { index: this.#taken++, value: step.value };
    } catch (error) {
      this.#isEnded = true; // what has thrown is not closed
      throw error;
    }
    this.#isEnded = true;
    return null;
  }
}

function iteratorOf<T>(items: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  if (typeof items === "string" || (typeof items === "object" && items !== null)) {
    if (Symbol.asyncIterator in Object(items))
      return (items as AsyncIterable<T>)[Symbol.asyncIterator]();
    if (Symbol.iterator in Object(items)) return (items as Iterable<T>)[Symbol.iterator]();
  }
  throw new TypeError(`Expected \`items\` to be iterable, got ${inspect(items, { depth: 0 })}`);
}

/** Calls `next` only when the call before has ended. */
function oneByOne<T>(next: () => PromiseLike<T> | T): () => Promise<T> {
  const turns = new Slots(1);
  return async () => {
    await turns.enter();
    try {
      return await next();
    } finally {
      turns.leave();
    }
  };
}
