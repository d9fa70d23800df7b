import { Queue, type QueueStorage } from "./queue.ts";

/**
 * A {@link Queue} that gives the newest item first.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-queue.html#asyncio.LifoQueue | asyncio.LifoQueue}.
 *
 * @example
 * ```ts
 * const drafts = new LifoQueue<string>();
 * for (const text of ["first", "second"]) drafts.putNowait(text);
 * console.log(drafts.getNowait()); // second
 * ```
 */
export class LifoQueue<T> extends Queue<T> {
  /**
   * @param maxsize how many items it holds at most; zero or less, as by default, for any number.
   * @throws as that of {@link Queue} does.
   */
  constructor(maxsize = 0) {
    super(maxsize, new Stack<T>());
  }
}

class Stack<T> implements QueueStorage<T> {
  readonly #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T {
    return this.#items.pop() as T;
  }

  clear(): void {
    this.#items.length = 0;
  }

  toArray(): T[] {
    return [...this.#items];
  }
}
