import type { Transferable } from "node:worker_threads";
import { cancellationOf, CancelRequest, type EventLoop } from "@aio/loop";
import { JobFuture } from "./job-future.ts";
import type { FunctionDefinition } from "./messages.ts";

/** Who looks after jobs. */
export interface JobOwner {
  /** The job has been cancelled by `request`. */
  withdraw(job: Job<unknown>, request: CancelRequest): void;
  /** Whether the job has been started, so far as can be known. */
  isStarted(job: Job<unknown>): boolean;
}

/** What a job does. */
export interface Work {
  readonly definition: FunctionDefinition;
  readonly args: readonly unknown[];
  readonly moved: Transferable[];
  /** The values of the contexts that travel along, by name. */
  readonly context: Readonly<Record<string, unknown>> | undefined;
}

/**
 * A call of a function in a worker, as `submit` returns it: a Future with its result. Cancelling it
 * ends every wait for it at once; a job that has not started never will, and one that runs is told by
 * its {@link currentSignal}.
 *
 * Counterpart of {@link https://docs.python.org/3/library/concurrent.futures.html#future-objects | concurrent.futures.Future}.
 * It belongs to a loop, which knows of its end: there is nothing to wrap, and no `result(timeout)` that blocks.
 *
 * @example
 * ```ts
 * const job: Job<number> = pool.submit((n: number) => n * n, 5);
 * job.addDoneCallback(() => console.log("done"));
 * console.log(await job);
 * ```
 */
export class Job<T> extends JobFuture<T> {
  readonly #owner: JobOwner;
  #work: Work | null;

  constructor(loop: EventLoop, owner: JobOwner, work: Work) {
    super({ loop });
    this.#owner = owner;
    this.#work = work;
  }

  /** Whether a worker has started it, and it is not done. */
  get running(): boolean {
    return !this.done && this.#owner.isStarted(this);
  }

  /** What is to be done; null when the job is over. */
  get work(): Work | null {
    return this.#work;
  }

  override request(request: CancelRequest): boolean {
    if (this.done) return false;
    this.#owner.withdraw(this, request);
    this.#work = null;
    return super.request(request);
  }

  /** Ends it with what the function has returned. Nobody is told when the loop is closed by now. */
  succeed(value: unknown): void {
    if (this.done) return;
    this.#work = null;
    this.complete(value as T);
  }

  /** Ends it with what the function has thrown. Nobody is told when the loop is closed by now. */
  break(reason: unknown): void {
    if (this.done || this.loop.isClosed) return;
    this.#work = null;
    const cancellation = cancellationOf(reason);
    if (cancellation === null) this.fail(reason);
    else this.endCancelled(CancelRequest.of(cancellation));
  }
}
