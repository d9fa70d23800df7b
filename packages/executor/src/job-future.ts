import { AsyncResource } from "node:async_hooks";
import { checkFunction, Future } from "@aio/loop";

/** A function that hears of progress. It may say which values it expects: `(share: number) => …`. */
export type ProgressListener = { hear(value: unknown): unknown }["hear"];

/**
 * The Future of a call in a worker, as `submit` of every executor returns it: it hears of the progress that the
 * function reports.
 */
export class JobFuture<T> extends Future<T> {
  #listeners: Set<(value: unknown) => void> | null = null;

  /**
   * Has `callback` called, as by `callSoon`, with what the function reports by `reportProgress()`: the newest value,
   * several times a second. Values in between are left out; the last one is not, and comes before whoever awaits the
   * job goes on.
   *
   * A job that is tried again reports again. One that was cancelled is not heard any more.
   * @returns a function that ends it; the end of the job does, too.
   *
   * @example
   * ```ts
   * const job = pool.submit(hash, "text");
   * job.onProgress((share: number) => console.log(`${Math.round(100 * share)} %`));
   * console.log(await job);
   * ```
   */
  onProgress(callback: ProgressListener): () => void {
    checkFunction("callback", callback);
    const listeners = (this.#listeners ??= new Set());
    const listener = AsyncResource.bind((value: unknown) => {
      this.loop.callSoon(() => {
        if (listeners.has(listener) && !this.cancelled) callback(value);
      });
    });
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Tells those who listen. For executors. Nobody is told when the job is done, or the loop closed by now. */
  progressed(value: unknown): void {
    if (this.#listeners === null || this.done || this.loop.isClosed) return;
    for (const listener of this.#listeners) listener(value);
  }
}
