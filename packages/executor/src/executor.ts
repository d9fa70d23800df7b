import { completed, type Operation, operation } from "@aio/loop";
import type { JobFuture } from "./job-future.ts";
import { JobMap, type MapOptions } from "./map.ts";
import { Waitlist } from "./waitlist.ts";

/** How an executor is shut down. */
export interface ShutdownOptions {
  /**
   * Whether to wait until all jobs are done and all workers have ended: true by default. As in Python, a job that never
   * ends, or an initializer that a job waits for, is waited for without end; cancel the job, and its worker has `grace`.
   */
  readonly wait?: boolean | undefined;
  /** Whether to cancel the jobs that have not started: false by default, they are still done. */
  readonly cancelFutures?: boolean | undefined;
}

/**
 * Calls functions somewhere else: in threads, in processes, on other machines.
 *
 * Counterpart of {@link https://docs.python.org/3/library/concurrent.futures.html#executor-objects | concurrent.futures.Executor}.
 */
export abstract class Executor implements AsyncDisposable {
  /** How many jobs it does at a time. */
  abstract readonly maxWorkers: number;
  readonly #room = new Waitlist();
  readonly #end = new Waitlist();
  #hasEnded = false;

  /** Whether another job would be one too many: never, unless an executor says so. */
  get isFull(): boolean {
    return false;
  }

  /**
   * Has `fn(...args)` called by a worker.
   *
   * Cancellation of the Future: it is done at once. A job that waits for a worker is withdrawn; one that
   * runs is told by its `currentSignal()`. What it reports of its progress is heard by `onProgress`.
   * @throws TypeError when `fn` cannot be sent; RuntimeError after {@link Executor.shutdown}, and outside
   * of a loop; ExecutorFullError when too many jobs wait.
   */
  abstract submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): JobFuture<Awaited<R>>;

  /** Takes no more jobs, and ends the workers when all jobs are done. Can be called again. */
  abstract shutdown(options?: ShutdownOptions): Operation<void>;

  /**
   * Waits until there is room for another job in the queue. Others may take it, where there is an `await` between
   * this and `submit`: then look at {@link Executor.isFull} again.
   *
   * Cancellation: nothing changes.
   */
  drain(): Operation<void> {
    if (!this.isFull) return completed(undefined);
    return operation(async () => {
      while (this.isFull) await this.#room.next();
    });
  }

  /**
   * Calls `fn(item)` for each of `items`, and gives the results as they are asked for. Items are
   * taken as results are: no more than `concurrency` are under way or wait to be asked for.
   *
   * Cancellation, an error, or leaving the loop early: the calls that are under way are cancelled, and so is the wait
   * for the next item. A source that waits for a foreign promise then ends when that is settled.
   *
   * Counterpart of `concurrent.futures.Executor.map`, which takes all items at once.
   *
   * @example
   * ```ts
   * for await (const digest of executor.map(hash, files, { ordered: false })) console.log(digest);
   * ```
   */
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions & { readonly returnExceptions?: false | undefined },
  ): JobMap<Awaited<R>>;
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions,
  ): JobMap<Awaited<R> | Error>;
  map<T, R>(
    fn: (item: T) => R,
    items: Iterable<T> | AsyncIterable<T>,
    options: MapOptions = {},
  ): JobMap<Awaited<R> | Error> {
    return new JobMap(this, fn, items, options);
  }

  /** Tells those who wait in {@link Executor.drain} that there may be room. For executors. */
  protected roomMade(): void {
    if (!this.isFull) this.#room.wake();
  }

  /** Waits for {@link Executor.ended}, unless that is over. For executors that are shut down. */
  protected untilEnded(): Operation<void> {
    return this.#hasEnded ? completed(undefined) : operation(() => this.#end.next());
  }

  /** Tells those who wait for the end that it is there. */
  protected ended(): void {
    this.#hasEnded = true;
    this.#end.wake();
  }

  /** {@link Executor.shutdown}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}
