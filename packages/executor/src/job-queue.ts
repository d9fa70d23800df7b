import type { Job } from "./job.ts";

/**
 * The jobs that wait for a worker, in the order in which they came; those that are put back come first. Nothing that is
 * done here takes longer the more jobs there are.
 */
export class JobQueue {
  // Sets, since what is cancelled leaves them from the middle.
  #back = new Set<Job<unknown>>();
  readonly #waiting = new Set<Job<unknown>>();
  // One for all: a new iterator would pass by all those that have left the Set, each time.
  #iterator = this.#waiting.values();
  #first: Job<unknown> | null = null;

  get size(): number {
    return this.#back.size + this.#waiting.size;
  }

  /** The one whose turn it is, or null. It stays in the queue. */
  get first(): Job<unknown> | null {
    for (const job of this.#back) return job;
    if (this.#first === null || !this.#waiting.has(this.#first)) this.#first = this.#following();
    return this.#first;
  }

  /** All that wait. */
  get all(): Job<unknown>[] {
    return [...this.#back, ...this.#waiting];
  }

  add(job: Job<unknown>): void {
    this.#waiting.add(job);
  }

  putBack(jobs: readonly Job<unknown>[]): void {
    if (jobs.length > 0) this.#back = new Set([...jobs, ...this.#back]);
  }

  /** Returns whether it was there. */
  delete(job: Job<unknown>): boolean {
    return this.#back.delete(job) || this.#waiting.delete(job);
  }

  #following(): Job<unknown> | null {
    const next = this.#iterator.next();
    if (next.done !== true) return next.value;
    this.#iterator = this.#waiting.values(); // for those that come from now on: it was at the end, so none is here
    return null;
  }
}
